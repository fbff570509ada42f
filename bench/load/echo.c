/*
 * The limit: an epoll loop that sends every frame back as it came. One thread, one read and one
 * write a call, nothing decoded.
 *
 *     echo SOCKET
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER = 4, FIRST_SIZE = 8192, EVENTS = 256 };

struct conn {
  int fd;
  size_t have, size, out_at, out_end;
  uint8_t *bytes;
};

static void die(const char *what) {
  perror(what);
  exit(1);
}

static size_t frame_size(const uint8_t *b) {
  return HEADER + ((size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3]);
}

static void watch(int ep, int op, struct conn *c, uint32_t events) {
  struct epoll_event ev = {.events = events, .data.ptr = c};
  if (epoll_ctl(ep, op, c->fd, &ev) < 0) die("epoll_ctl");
}

/* Sends the whole frames; what the socket does not take waits for EPOLLOUT. 0: the peer has gone. */
static int flush_out(int ep, struct conn *c) {
  while (c->out_at < c->out_end) {
    ssize_t n = send(c->fd, c->bytes + c->out_at, c->out_end - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
      watch(ep, EPOLL_CTL_MOD, c, EPOLLOUT);
      return 1;
    }
    if (n <= 0) return 0;
    c->out_at += (size_t)n;
  }
  if (c->out_end > 0) {
    c->have -= c->out_end;
    memmove(c->bytes, c->bytes + c->out_end, c->have);
    c->out_at = c->out_end = 0;
  }
  return 1;
}

static int readable(int ep, struct conn *c) {
  ssize_t n = recv(c->fd, c->bytes + c->have, c->size - c->have, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return 1;
  if (n <= 0) return 0;
  c->have += (size_t)n;
  size_t whole = 0;
  while (c->have - whole >= HEADER && c->have - whole >= frame_size(c->bytes + whole)) {
    whole += frame_size(c->bytes + whole);
  }
  c->out_end = whole;
  if (c->have - whole >= HEADER && frame_size(c->bytes + whole) > c->size) {
    c->size = frame_size(c->bytes + whole);
    if ((c->bytes = realloc(c->bytes, c->size)) == NULL) die("realloc");
  }
  return flush_out(ep, c);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: echo SOCKET\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  unlink(argv[1]);
  struct conn listener = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
  if (bind(listener.fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind");
  if (listen(listener.fd, 4096) < 0) die("listen");
  int ep = epoll_create1(0);
  watch(ep, EPOLL_CTL_ADD, &listener, EPOLLIN);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(ep, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct conn *c = events[i].data.ptr;
      if (c == &listener) {
        struct conn *fresh = calloc(1, sizeof *fresh);
        fresh->fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK);
        if (fresh->fd < 0) {
          free(fresh);
          continue;
        }
        fresh->size = FIRST_SIZE;
        fresh->bytes = malloc(FIRST_SIZE);
        watch(ep, EPOLL_CTL_ADD, fresh, EPOLLIN);
        continue;
      }
      int alive;
      if (c->out_at < c->out_end) {
        alive = flush_out(ep, c);
        if (alive && c->out_end == 0) watch(ep, EPOLL_CTL_MOD, c, EPOLLIN);
      } else {
        alive = readable(ep, c);
      }
      if (!alive) {
        close(c->fd);
        free(c->bytes);
        free(c);
      }
    }
  }
}
