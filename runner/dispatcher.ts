/**
 * From a frame to its answer: finds the configuration, runs the chain, and says what failed.
 *
 * @module
 */

import { type Chain, PluginError } from "../plugins/chain.ts";
import { ConfigError } from "../plugins/config.ts";
import type { Ask } from "../plugins/extra_info.ts";
import type { Registry } from "../plugins/registry.ts";
import {
  decodePrepareConfReq,
  HTTPReqCallMessage,
  HTTPRespCallMessage,
} from "../protocol/decode_request.ts";
import { ErrorCode, messageOf, RpcError } from "../protocol/errors.ts";
import { type Frame, RpcType } from "../protocol/frame.ts";
import { CallSession, ConnectionLost, type Phase, type SessionTools } from "./call_session.ts";
import type { ConfCache } from "./conf_cache.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Logger } from "./logger.ts";
import { confKey, fingerprint, pluginConf, Preparation } from "./preparation.ts";
import type { Reply } from "./reply.ts";

/** What a dispatcher works with. */
export interface DispatcherOptions {
  /** Knows the plugins. */
  readonly registry: Registry;
  /** Holds the prepared configurations. */
  readonly cache: ConfCache<Preparation>;
  /** Watches calls that wait. */
  readonly deadlines: Deadlines;
  /** The runner's log. */
  readonly log: Logger;
  /** See `CallHost.probeHead`. */
  readonly probeHead: boolean;
}

/** The side of a connection that the dispatcher needs. */
export interface Peer {
  /** Asks APISIX, while a call is pending. */
  readonly ask: Ask;
  /** Is told of a call that did not end at once, so that it can be given up. */
  pending(session: CallSession): void;
}

/** Answers frames. It knows no socket: frames come in, replies go out. */
export class Dispatcher {
  readonly #registry: Registry;
  readonly #cache: ConfCache<Preparation>;
  readonly #deadlines: Deadlines;
  readonly #log: Logger;
  readonly #tools: SessionTools;

  /** @param options What it works with. */
  constructor({ registry, cache, deadlines, log, probeHead }: DispatcherOptions) {
    this.#registry = registry;
    this.#cache = cache;
    this.#deadlines = deadlines;
    this.#log = log;
    this.#tools = { log, probeHead };
  }

  /**
   * Answers one frame.
   *
   * @param frame A frame of any type but EXTRA_INFO.
   * @param peer The connection that it came from.
   * @returns The answer, as a promise only where something has to be waited for. It never throws
   * and never rejects: what fails is logged, and APISIX gets an error code.
   */
  dispatch(frame: Frame, peer: Peer): Reply | Promise<Reply> {
    try {
      switch (frame.type) {
        case RpcType.PREPARE_CONF:
          return this.#prepareConf(frame);
        case RpcType.HTTP_REQ_CALL:
          return this.#call(new HTTPReqCallMessage(frame), "HTTPReqCall", peer);
        case RpcType.HTTP_RESP_CALL:
          return this.#call(new HTTPRespCallMessage(frame), "HTTPRespCall", peer);
        default:
          throw RpcError.badRequest(`Cannot answer a frame of type ${frame.type}`);
      }
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  #prepareConf(frame: Frame): Reply {
    const message = decodePrepareConfReq(frame);
    const { token, value } = this.#cache.prepare(
      fingerprint(message),
      () => new Preparation(pluginConf(message), confKey(message), this.#registry, this.#log),
    );
    value.retry();
    // After the answer has gone out (protocol.md §6.4). What fails is logged there.
    setTimeout(() => value.prepare().catch(() => {}), 0);
    return { type: "prepareConf", token };
  }

  #call(
    message: HTTPReqCallMessage | HTTPRespCallMessage,
    phase: Phase,
    peer: Peer,
  ): Reply | Promise<Reply> {
    const preparation = this.#cache.get(message.confToken);
    if (preparation === undefined) {
      // Usual after a reload or an expiry: APISIX prepares again and repeats the call.
      this.#log.debug("Unknown conf token: APISIX will prepare again", { id: message.id });
      return { type: "error", code: ErrorCode.CONF_TOKEN_NOT_FOUND };
    }
    const session = new CallSession(message, phase, preparation, peer.ask, this.#tools);
    const { chain } = preparation;
    const work = chain === null
      ? preparation.prepare().then((chain) => session.ended ? OVER : run(chain, message, session))
      : this.#tryRun(chain, message, session);
    if (work instanceof Promise) return this.#settle(work, session, peer);
    session.end();
    return work;
  }

  /** Runs the chain; what a hook throws at once becomes the reply. */
  #tryRun(
    chain: Chain,
    message: HTTPReqCallMessage | HTTPRespCallMessage,
    session: CallSession,
  ): Reply | Promise<Reply> {
    try {
      return run(chain, message, session);
    } catch (thrown) {
      return this.#failed(thrown, message.id);
    }
  }

  /** Waits for the chain, but not longer than the deadline and the connection last. */
  #settle(work: Promise<Reply>, session: CallSession, peer: Peer): Promise<Reply> {
    return new Promise((resolve) => {
      const end = (reply: Reply) => {
        this.#deadlines.remove(session);
        resolve(reply);
      };
      session.onGivenUp((reason) => end(this.#givenUp(reason, session)));
      this.#deadlines.add(session);
      peer.pending(session);
      work.then(
        (reply) => {
          if (session.ended) return;
          session.end();
          end(reply);
        },
        (thrown) => {
          if (session.ended) return;
          session.end();
          end(this.#failed(thrown, session.id));
        },
      );
    });
  }

  #givenUp(reason: Error, session: CallSession): Reply {
    if (reason instanceof ConnectionLost) {
      // A client that goes away takes its connection along: nothing is wrong, nobody is answered.
      this.#log.info(reason.message, { id: session.id });
      return { type: "error", code: ErrorCode.SERVICE_UNAVAILABLE };
    }
    return this.#failed(session.blame(reason), session.id);
  }

  #failed(thrown: unknown, id?: number): Reply {
    const error = RpcError.from(thrown);
    if (thrown instanceof PluginError) {
      const { cause } = thrown;
      this.#log.error(thrown.message, {
        plugin: thrown.plugin,
        phase: thrown.phase,
        id,
        stack: cause instanceof Error ? cause.stack : undefined,
      });
    } else if (error.cause instanceof ConfigError) {
      // Said already when the configuration was prepared; not again for every call.
      this.#log.debug(error.message, { id });
    } else {
      this.#log.error(messageOf(thrown), { id });
    }
    return { type: "error", code: error.code };
  }
}

/** For a call that ended while its configuration was prepared; nobody gets it. */
const OVER: Reply = { type: "error", code: ErrorCode.SERVICE_UNAVAILABLE };

function run(
  chain: Chain,
  message: HTTPReqCallMessage | HTTPRespCallMessage,
  session: CallSession,
): Reply | Promise<Reply> {
  if (message instanceof HTTPReqCallMessage) {
    const resp = chain.request(message, session);
    return resp instanceof Promise
      ? resp.then((resp) => ({ type: "httpReqCall", resp }))
      : { type: "httpReqCall", resp };
  }
  const resp = chain.response(message, session);
  return resp instanceof Promise
    ? resp.then((resp) => ({ type: "httpRespCall", resp }))
    : { type: "httpRespCall", resp };
}
