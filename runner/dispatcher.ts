/**
 * From a frame to its answer: finds the configuration, runs the chain, and says what failed.
 *
 * @module
 */

import { type Chain, PluginError } from "../plugins/chain.ts";
import { ConfigError } from "../plugins/config.ts";
import type { Ask } from "../plugins/extra_info.ts";
import type { Registry } from "../plugins/registry.ts";
import { type Shared, SHARED_LIFETIME_MS, SharedStores } from "../plugins/shared.ts";
import {
  type CallMessage,
  decodePrepareConfReq,
  HTTPReqCallMessage,
  HTTPRespCallMessage,
} from "../protocol/decode_request.ts";
import { ErrorCode, messageOf, RpcError, stackOf } from "../protocol/errors.ts";
import { type Frame, RpcType } from "../protocol/frame.ts";
import type { HTTPReqCallResp, SendableResponse } from "../protocol/messages.ts";
import { CallSession, type Phase, type SessionTools } from "./call_session.ts";
import type { ConfCache } from "./conf_cache.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Logger } from "./logger.ts";
import { PendingCalls } from "./pending_calls.ts";
import { type Attempt, confKey, fingerprint, pluginConf, Preparation } from "./preparation.ts";
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
  /**
   * How long configurations are validated with new plugins before the old ones go all the same, in
   * milliseconds; 5000 when absent.
   */
  readonly renewalMs?: number;
  /** What the phases of a request share; new stores when absent. */
  readonly shared?: Shared;
}

/** The side of a connection that the dispatcher needs. */
export interface Peer {
  /** Asks APISIX, while a call is pending. */
  readonly ask: Ask;
  /** Is told of a call that did not end at once, so that it can be given up. */
  pending(session: CallSession): void;
}

/** What is left of plugins that were replaced. */
export interface Replaced {
  /** Settles when the last call that may still run with them has ended. */
  readonly callsEnded: Promise<void>;
}

/** See {@linkcode DispatcherOptions.renewalMs}. */
const RENEWAL_MS = 5000;

/** How long configurations are validated before calls have their turn, in milliseconds. */
const TURN_MS = 5;

/** Answers frames. It knows no socket: frames come in, replies go out. */
export class Dispatcher {
  readonly #cache: ConfCache<Preparation>;
  readonly #deadlines: Deadlines;
  readonly #log: Logger;
  readonly #tools: SessionTools;
  readonly #renewalMs: number;
  #registry: Registry;
  /** The calls that began with the plugins that are there now. */
  #calls = new PendingCalls();
  /** Settles when those have ended that began with others. */
  #earlierCalls: Promise<unknown> = Promise.resolve();

  /** @param options What it works with. */
  constructor({
    registry,
    cache,
    deadlines,
    log,
    probeHead,
    renewalMs = RENEWAL_MS,
    shared = new SharedStores({ expiry: deadlines.apart(SHARED_LIFETIME_MS) }),
  }: DispatcherOptions) {
    this.#registry = registry;
    this.#cache = cache;
    this.#deadlines = deadlines;
    this.#log = log;
    this.#tools = { log, probeHead, deadlines, shared };
    this.#renewalMs = renewalMs;
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
          return this.#call(REQUEST, new HTTPReqCallMessage(frame), peer);
        case RpcType.HTTP_RESP_CALL:
          return this.#call(RESPONSE, new HTTPRespCallMessage(frame), peer);
        default:
          throw RpcError.badRequest(`Cannot answer a frame of type ${frame.type}`);
      }
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  /**
   * Puts other plugins into the place of those that are there. All prepared configurations are
   * validated first, while calls go on as before. Then, from one moment to the next, calls run
   * with the new plugins; those that have begun end with the old ones. A configuration that the
   * new plugins refuse closes its route. One whose validation takes too long has its calls wait
   * for it.
   *
   * Not to be called again before it has settled.
   *
   * @param registry The new plugins.
   * @returns What is left of the old ones, once calls run with the new.
   */
  async replace(registry: Registry): Promise<Replaced> {
    const attempts = await this.#renewAll(registry);
    this.#registry = registry;
    for (const preparation of this.#cache.values()) {
      preparation.adopt(registry, attempts.get(preparation) ?? preparation.renew(registry));
    }
    this.#earlierCalls = Promise.all([this.#earlierCalls, this.#calls.ended()]);
    this.#calls = new PendingCalls();
    return { callsEnded: this.#earlierCalls.then(() => {}) };
  }

  async #renewAll(registry: Registry): Promise<Map<Preparation, Attempt>> {
    const attempts = new Map<Preparation, Attempt>();
    let since = performance.now();
    for (const preparation of this.#cache.values()) {
      attempts.set(preparation, preparation.renew(registry));
      if (performance.now() - since < TURN_MS) continue;
      await delay(0);
      since = performance.now();
    }
    const validated = Promise.allSettled(Array.from(attempts.values(), ({ done }) => done));
    const late = new AbortController();
    await Promise.race([validated, delay(this.#renewalMs, late.signal)]);
    late.abort();
    return attempts;
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

  #call<Message extends CallMessage, Resp>(
    phase: PhaseOf<Message, Resp>,
    message: Message,
    peer: Peer,
  ): Reply | Promise<Reply> {
    const preparation = this.#cache.get(message.confToken);
    if (preparation === undefined) {
      // Usual after a reload or an expiry: APISIX prepares again and repeats the call.
      this.#log.debug("Unknown conf token: APISIX will prepare again", { id: message.id });
      return { type: "error", code: ErrorCode.CONF_TOKEN_NOT_FOUND };
    }
    const session = new CallSession(message, phase.name, preparation, peer.ask, this.#tools);
    const { chain } = preparation;
    try {
      const resp = chain === null
        ? preparation.prepare().then((chain) => {
          // Nobody waits for a call that was given up meanwhile: its plugins must not run.
          session.assertPending();
          return phase.run(chain, message, session);
        })
        : phase.run(chain, message, session);
      if (resp instanceof Promise) return this.#settle(phase, resp, session, peer);
      session.end();
      return phase.reply(resp);
    } catch (thrown) {
      session.end();
      return this.#failed(thrown, message.id);
    }
  }

  /** Waits for the chain, but not longer than the deadline and the connection last. */
  #settle<Resp>(
    phase: PhaseOf<never, Resp>,
    pending: Promise<Resp>,
    session: CallSession,
    peer: Peer,
  ): Promise<Reply> {
    const calls = this.#calls;
    calls.begin();
    return new Promise((resolve) => {
      const waiting = this.#deadlines.add(session);
      session.onGivenUp((reason) => {
        calls.end();
        this.#deadlines.remove(waiting);
        resolve(this.#givenUp(reason, session));
      });
      peer.pending(session);
      const end = () => {
        calls.end();
        this.#deadlines.remove(waiting);
        session.end();
      };
      pending.then((resp) => {
        if (session.ended) return;
        end();
        resolve(phase.reply(resp));
      }, (thrown) => {
        if (session.ended) return;
        end();
        resolve(this.#failed(thrown, session.id));
      });
    });
  }

  #givenUp(reason: Error, session: CallSession): Reply {
    if (reason instanceof RpcError) return this.#failed(reason, session.id);
    if (reason.name === "TimeoutError") return this.#failed(session.blame(reason), session.id);
    // APISIX or the runner goes: no plugin is to blame, and there may be many such calls at once.
    this.#log.info(reason.message, { id: session.id });
    return { type: "error", code: ErrorCode.SERVICE_UNAVAILABLE };
  }

  #failed(thrown: unknown, id?: number): Reply {
    const error = RpcError.from(thrown);
    if (thrown instanceof PluginError) {
      const { cause } = thrown;
      this.#log.error(thrown.message, {
        plugin: thrown.plugin,
        phase: thrown.phase,
        id,
        stack: stackOf(cause),
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

/** What tells the two kinds of call apart. */
interface PhaseOf<Message, Resp> {
  readonly name: Phase;
  run(chain: Chain, message: Message, session: CallSession): Resp | Promise<Resp>;
  reply(resp: Resp): Reply;
}

const REQUEST: PhaseOf<HTTPReqCallMessage, HTTPReqCallResp> = {
  name: "HTTPReqCall",
  run: (chain, message, session) => chain.request(message, session),
  reply: (resp) => ({ type: "httpReqCall", resp }),
};

const RESPONSE: PhaseOf<HTTPRespCallMessage, SendableResponse> = {
  name: "HTTPRespCall",
  run: (chain, message, session) => chain.response(message, session),
  reply: (resp) => ({ type: "httpRespCall", resp }),
};

function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
  });
}
