/*
 * The load: keeps one call pending on each of N connections, as busy workers of APISIX do, and
 * prints what came of it as JSON. A question of the runner (a frame of type 3) gets a fixed answer.
 *
 *     load SOCKET CONNECTIONS MILLISECONDS CALL_FILE ANSWER_FILE|-
 *
 * CALL_FILE holds frames that are sent in turn, ANSWER_FILE holds one.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 4, QUESTION = 3, READ_SIZE = 65536, MAX_SAMPLES = 4000000, EVENTS = 512 };

struct bytes {
  uint8_t *at;
  size_t size;
};

struct conn {
  int fd;
  const struct bytes *out;  /* what is being sent */
  size_t out_at;
  uint8_t header[HEADER];
  size_t have, total;  /* of the frame that is arriving */
  uint64_t started;
};

static struct bytes *frames, answer;
static size_t frame_count, next_frame;
static uint32_t *samples;
static size_t calls, in_time, pending, errors;
static uint8_t scratch[READ_SIZE];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct bytes slurp(const char *path) {
  struct bytes b = {0};
  if (strcmp(path, "-") == 0) return b;
  FILE *f = fopen(path, "rb");
  if (f == NULL) die(path);
  fseek(f, 0, SEEK_END);
  b.size = (size_t)ftell(f);
  rewind(f);
  b.at = malloc(b.size);
  if (fread(b.at, 1, b.size, f) != b.size) die(path);
  fclose(f);
  return b;
}

/* Cuts the file's bytes into frames. */
static void cut(struct bytes all) {
  for (size_t at = 0; at + HEADER <= all.size;) {
    const uint8_t *b = all.at + at;
    size_t size = HEADER + ((size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3]);
    if ((frame_count & (frame_count - 1)) == 0) {
      frames = realloc(frames, (frame_count == 0 ? 1 : 2 * frame_count) * sizeof *frames);
      if (frames == NULL) die("realloc");
    }
    frames[frame_count++] = (struct bytes){.at = all.at + at, .size = size};
    at += size;
  }
}

static int dial(const struct sockaddr_un *address) {
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (fd < 0) die("socket");
  while (connect(fd, (const struct sockaddr *)address, sizeof *address) < 0) {
    if (errno != EAGAIN) die("connect");
    usleep(1000);
  }
  return fd;
}

static void watch(int ep, int op, struct conn *c, uint32_t events) {
  struct epoll_event ev = {.events = events, .data.ptr = c};
  if (epoll_ctl(ep, op, c->fd, &ev) < 0) die("epoll_ctl");
}

static void push_out(int ep, struct conn *c, int blocked) {
  while (c->out_at < c->out->size) {
    ssize_t n = send(c->fd, c->out->at + c->out_at, c->out->size - c->out_at,
                     MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
      if (!blocked) watch(ep, EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
      return;
    }
    if (n <= 0) die("send");
    c->out_at += (size_t)n;
  }
  if (blocked) watch(ep, EPOLL_CTL_MOD, c, EPOLLIN);
}

static void start_sending(int ep, struct conn *c, const struct bytes *what) {
  c->out = what;
  c->out_at = 0;
  push_out(ep, c, 0);
}

static void start_call(int ep, struct conn *c, uint64_t now) {
  c->started = now;
  start_sending(ep, c, &frames[next_frame]);
  next_frame = next_frame + 1 == frame_count ? 0 : next_frame + 1;
}

static void frame_done(int ep, struct conn *c, uint64_t end) {
  uint8_t type = c->header[0];
  c->have = 0;
  if (type == QUESTION) {
    if (answer.at == NULL) {
      fprintf(stderr, "load: the runner asks, but there is no answer file\n");
      exit(1);
    }
    start_sending(ep, c, &answer);
    return;
  }
  uint64_t now = now_ns();
  if (type != frames[0].at[0]) errors++;
  if (calls < MAX_SAMPLES) samples[calls] = (uint32_t)(now - c->started);
  calls++;
  if (now < end) {
    in_time++;
    start_call(ep, c, now);
  } else {
    pending--;
  }
}

static void readable(int ep, struct conn *c, uint64_t end) {
  ssize_t n = recv(c->fd, scratch, sizeof scratch, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    fprintf(stderr, "load: the runner closed a connection\n");
    exit(1);
  }
  for (size_t at = 0; at < (size_t)n;) {
    while (c->have < HEADER && at < (size_t)n) c->header[c->have++] = scratch[at++];
    if (c->have < HEADER) return;
    c->total = HEADER + ((size_t)c->header[1] << 16 | (size_t)c->header[2] << 8 | c->header[3]);
    size_t part = c->total - c->have;
    if (part > (size_t)n - at) part = (size_t)n - at;
    c->have += part;
    at += part;
    if (c->have == c->total) frame_done(ep, c, end);
  }
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static double percentile(size_t n, double p) {
  size_t at = (size_t)(p * (double)(n - 1));
  return samples[at] / 1000.0;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: load SOCKET CONNECTIONS MILLISECONDS CALL_FILE ANSWER_FILE|-\n");
    return 2;
  }
  size_t count = strtoul(argv[2], NULL, 10);
  uint64_t length = strtoull(argv[3], NULL, 10) * 1000000u;
  cut(slurp(argv[4]));
  answer = slurp(argv[5]);
  samples = malloc(MAX_SAMPLES * sizeof *samples);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  int ep = epoll_create1(0);
  struct conn *conns = calloc(count, sizeof *conns);
  for (size_t i = 0; i < count; i++) {
    conns[i].fd = dial(&address);
    watch(ep, EPOLL_CTL_ADD, &conns[i], EPOLLIN);
  }
  uint64_t begin = now_ns(), end = begin + length;
  pending = count;
  for (size_t i = 0; i < count; i++) start_call(ep, &conns[i], now_ns());
  struct epoll_event events[EVENTS];
  /* Also those that are answered late count: a server that starves some must not look well. */
  while (pending > 0) {
    int ready = epoll_wait(ep, events, EVENTS, 10000);
    if (ready == 0) {
      fprintf(stderr, "load: no answer for ten seconds\n");
      return 1;
    }
    for (int i = 0; i < ready; i++) {
      struct conn *c = events[i].data.ptr;
      if (events[i].events & EPOLLOUT) push_out(ep, c, 1);
      if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(ep, c, end);
    }
  }
  size_t kept = calls < MAX_SAMPLES ? calls : MAX_SAMPLES;
  qsort(samples, kept, sizeof *samples, ascending);
  printf("{\"calls\":%zu,\"rate\":%.1f,\"errors\":%zu,\"p50\":%.1f,\"p99\":%.1f,\"p999\":%.1f}\n",
         calls, (double)(in_time == 0 ? calls : in_time) * 1e9 / (double)length, errors,
         percentile(kept, 0.5), percentile(kept, 0.99), percentile(kept, 0.999));
  return 0;
}
