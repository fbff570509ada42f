/**
 * The witness: reads and writes messages with nothing of the runner, but with the accessors that
 * the FlatBuffers compiler made of the schema (`deno task gen`).
 *
 * @module
 */

import { Builder, ByteBuffer, Encoding } from "flatbuffers";

import type {
  ExtraInfoReq,
  HTTPReqCallReq,
  HTTPReqCallResp,
  HTTPRespCallReq,
  HTTPRespCallResp,
  PrepareConfReq,
  Rewrite,
  SendableEntry,
  SendableText,
  Stop,
  TextEntry,
} from "../../protocol/messages.ts";
import type { Message, Table } from "./_messages.ts";
import { Resp as ErrResp } from "./gen/a6/err/resp.ts";
import { Info } from "./gen/a6/extra-info/info.ts";
import { ReqBody } from "./gen/a6/extra-info/req-body.ts";
import { Req as ExtraReq } from "./gen/a6/extra-info/req.ts";
import { RespBody } from "./gen/a6/extra-info/resp-body.ts";
import { Resp as ExtraResp } from "./gen/a6/extra-info/resp.ts";
import { Var } from "./gen/a6/extra-info/var.ts";
import { Action } from "./gen/a6/httpreq-call/action.ts";
import { Req as CallReq } from "./gen/a6/httpreq-call/req.ts";
import { Resp as CallResp } from "./gen/a6/httpreq-call/resp.ts";
import { Rewrite as RewriteTable } from "./gen/a6/httpreq-call/rewrite.ts";
import { Stop as StopTable } from "./gen/a6/httpreq-call/stop.ts";
import { Req as RespCallReq } from "./gen/a6/httpresp-call/req.ts";
import { Resp as RespCallResp } from "./gen/a6/httpresp-call/resp.ts";
import { Req as PrepareReq } from "./gen/a6/prepare-conf/req.ts";
import { Resp as PrepareResp } from "./gen/a6/prepare-conf/resp.ts";
import { TextEntry as EntryTable } from "./gen/a6/text-entry.ts";

/** Reads the message of a payload. */
export function witnessRead(table: Table, payload: Uint8Array): Message {
  const buffer = new ByteBuffer(payload);
  switch (table) {
    case "A6.Err.Resp":
      return { table, code: ErrResp.getRootAsResp(buffer).code() };
    case "A6.PrepareConf.Req": {
      const t = PrepareReq.getRootAsReq(buffer);
      const conf = list(t, 4, t.confLength(), (i) => t.conf(i));
      return { table, message: { conf, key: bytes(t.key(Encoding.UTF8_BYTES)) } };
    }
    case "A6.PrepareConf.Resp":
      return { table, confToken: PrepareResp.getRootAsResp(buffer).confToken() };
    case "A6.HTTPReqCall.Req":
      return { table, message: readCall(CallReq.getRootAsReq(buffer)) };
    case "A6.HTTPReqCall.Resp":
      return { table, message: readCallReply(CallResp.getRootAsResp(buffer)) };
    case "A6.ExtraInfo.Req":
      return { table, message: readQuestion(ExtraReq.getRootAsReq(buffer)) };
    case "A6.ExtraInfo.Resp":
      return { table, result: bytes(ExtraResp.getRootAsResp(buffer).resultArray()) };
    case "A6.HTTPRespCall.Req": {
      const t = RespCallReq.getRootAsReq(buffer);
      const headers = list(t, 8, t.headersLength(), (i) => t.headers(i));
      return {
        table,
        message: { id: t.id(), status: t.status(), headers, confToken: t.confToken() },
      };
    }
    case "A6.HTTPRespCall.Resp": {
      const t = RespCallResp.getRootAsResp(buffer);
      const headers = list(t, 8, t.headersLength(), (i) => t.headers(i)) ?? [];
      return {
        table,
        message: { id: t.id(), status: t.status(), headers, body: bytes(t.bodyArray()) },
      };
    }
  }
}

function readCall(t: CallReq): HTTPReqCallReq {
  return {
    id: t.id(),
    srcIp: bytes(t.srcIpArray()),
    method: t.method(),
    path: bytes(t.path(Encoding.UTF8_BYTES)),
    args: list(t, 12, t.argsLength(), (i) => t.args(i)),
    headers: list(t, 14, t.headersLength(), (i) => t.headers(i)),
    confToken: t.confToken(),
  };
}

function readCallReply(t: CallResp): HTTPReqCallResp {
  const id = t.id();
  if (t.actionType() === Action.Stop) {
    const stop: StopTable = t.action(new StopTable());
    return {
      id,
      action: {
        type: "stop",
        status: stop.status(),
        headers: list(stop, 6, stop.headersLength(), (i) => stop.headers(i)) ?? [],
        body: bytes(stop.bodyArray()),
      },
    };
  }
  if (t.actionType() === Action.Rewrite) {
    const rewrite: RewriteTable = t.action(new RewriteTable());
    return {
      id,
      action: {
        type: "rewrite",
        path: bytes(rewrite.path(Encoding.UTF8_BYTES)),
        headers: list(rewrite, 6, rewrite.headersLength(), (i) => rewrite.headers(i)) ?? [],
        args: list(rewrite, 8, rewrite.argsLength(), (i) => rewrite.args(i)) ?? [],
        respHeaders: list(rewrite, 10, rewrite.respHeadersLength(), (i) =>
          rewrite.respHeaders(i)) ??
          [],
        body: bytes(rewrite.bodyArray()),
      },
    };
  }
  return { id, action: null };
}

function readQuestion(t: ExtraReq): ExtraInfoReq {
  switch (t.infoType()) {
    case Info.Var: {
      const variable: Var = t.info(new Var());
      const name = bytes(variable.name(Encoding.UTF8_BYTES));
      if (name === null) throw new TypeError("Cannot read the question: no name");
      return { type: "var", name };
    }
    case Info.ReqBody:
      if (t.info(new ReqBody()) === null) throw new TypeError("Cannot read the question: no value");
      return { type: "reqBody" };
    case Info.RespBody:
      if (t.info(new RespBody()) === null) {
        throw new TypeError("Cannot read the question: no value");
      }
      return { type: "respBody" };
    default:
      throw new TypeError(`Cannot read the question: its type is ${t.infoType()}`);
  }
}

function bytes(found: string | Uint8Array | null): Uint8Array | null {
  if (typeof found === "string") throw new TypeError("Expected bytes");
  return found === null ? null : new Uint8Array(found);
}

/** The accessors give the length 0 for absent vectors too; only the vtable tells. */
function list(
  table: { readonly bb: ByteBuffer | null; readonly bb_pos: number },
  vtableOffset: number,
  length: number,
  at: (index: number) => EntryTable | null,
): TextEntry[] | null {
  if (table.bb === null || table.bb.__offset(table.bb_pos, vtableOffset) === 0) return null;
  return Array.from({ length }, (_, i) => {
    const entry = at(i);
    const name = bytes(entry?.name(Encoding.UTF8_BYTES) ?? null);
    if (name === null) throw new TypeError("Cannot read the entry: no name");
    return { name, value: bytes(entry?.value(Encoding.UTF8_BYTES) ?? null) };
  });
}

/** Writes a message as a payload. */
export function witnessWrite(message: Message): Uint8Array {
  const b = new Builder();
  b.finish(writeRoot(b, message));
  return b.asUint8Array();
}

function writeRoot(b: Builder, message: Message): number {
  switch (message.table) {
    case "A6.Err.Resp":
      return ErrResp.createResp(b, message.code);
    case "A6.PrepareConf.Req":
      return writePrepare(b, message.message);
    case "A6.PrepareConf.Resp":
      return PrepareResp.createResp(b, message.confToken);
    case "A6.HTTPReqCall.Req":
      return writeCall(b, message.message);
    case "A6.HTTPReqCall.Resp":
      return writeCallReply(b, message.message);
    case "A6.ExtraInfo.Req":
      return writeQuestion(b, message.message);
    case "A6.ExtraInfo.Resp": {
      const { result } = message;
      return ExtraResp.createResp(b, result === null ? 0 : ExtraResp.createResultVector(b, result));
    }
    case "A6.HTTPRespCall.Req":
      return writeRespCall(b, message.message);
    case "A6.HTTPRespCall.Resp":
      return writeRespCallReply(b, message.message);
  }
}

// An offset of 0 is what the builder leaves out: the field is absent.

function text(b: Builder, value: SendableText | null): number {
  if (value === null) return 0;
  if (typeof value === "string" || value instanceof Uint8Array) return b.createString(value);
  return b.createString(value.bytes.slice(value.at, value.at + value.length));
}

function writeEntries(b: Builder, list: readonly SendableEntry[]): number[] {
  return list.map(({ name, value }) =>
    EntryTable.createTextEntry(b, text(b, name), text(b, value))
  );
}

function writePrepare(b: Builder, { conf, key }: PrepareConfReq): number {
  const confOffset = conf === null ? 0 : PrepareReq.createConfVector(b, writeEntries(b, conf));
  return PrepareReq.createReq(b, confOffset, text(b, key));
}

function writeCall(b: Builder, call: HTTPReqCallReq): number {
  const { srcIp, args, headers } = call;
  return CallReq.createReq(
    b,
    call.id,
    srcIp === null ? 0 : CallReq.createSrcIpVector(b, srcIp),
    call.method,
    text(b, call.path),
    args === null ? 0 : CallReq.createArgsVector(b, writeEntries(b, args)),
    headers === null ? 0 : CallReq.createHeadersVector(b, writeEntries(b, headers)),
    call.confToken,
  );
}

function writeCallReply(b: Builder, { id, action }: HTTPReqCallResp): number {
  switch (action?.type) {
    case "stop":
      return CallResp.createResp(b, id, Action.Stop, writeStop(b, action));
    case "rewrite":
      return CallResp.createResp(b, id, Action.Rewrite, writeRewrite(b, action));
    default:
      return CallResp.createResp(b, id, Action.NONE, 0);
  }
}

function writeStop(b: Builder, { status, headers, body }: Stop): number {
  const headersOffset = StopTable.createHeadersVector(b, writeEntries(b, headers));
  const bodyOffset = body === null ? 0 : StopTable.createBodyVector(b, body);
  return StopTable.createStop(b, status, headersOffset, bodyOffset);
}

function writeRewrite(b: Builder, rewrite: Rewrite): number {
  return RewriteTable.createRewrite(
    b,
    text(b, rewrite.path),
    RewriteTable.createHeadersVector(b, writeEntries(b, rewrite.headers)),
    RewriteTable.createArgsVector(b, writeEntries(b, rewrite.args)),
    RewriteTable.createRespHeadersVector(b, writeEntries(b, rewrite.respHeaders)),
    rewrite.body === null ? 0 : RewriteTable.createBodyVector(b, rewrite.body),
  );
}

function writeQuestion(b: Builder, question: ExtraInfoReq): number {
  switch (question.type) {
    case "var":
      return ExtraReq.createReq(b, Info.Var, Var.createVar(b, text(b, question.name)));
    case "reqBody":
      return ExtraReq.createReq(b, Info.ReqBody, ReqBody.createReqBody(b));
    case "respBody":
      return ExtraReq.createReq(b, Info.RespBody, RespBody.createRespBody(b));
  }
}

function writeRespCall(b: Builder, { id, status, headers, confToken }: HTTPRespCallReq): number {
  const headersOffset = headers === null
    ? 0
    : RespCallReq.createHeadersVector(b, writeEntries(b, headers));
  return RespCallReq.createReq(b, id, status, headersOffset, confToken);
}

function writeRespCallReply(b: Builder, { id, status, headers, body }: HTTPRespCallResp): number {
  const headersOffset = RespCallResp.createHeadersVector(b, writeEntries(b, headers));
  const bodyOffset = body === null ? 0 : RespCallResp.createBodyVector(b, body);
  return RespCallResp.createResp(b, id, status, headersOffset, bodyOffset);
}
