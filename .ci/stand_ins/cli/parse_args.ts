/**
 * Stand-in for `@std/cli/parse-args`; see ../README.md. Left out: names with dots, which the real
 * package turns into nested objects.
 */

type Names = string | undefined;
type Booleans = boolean | Names;
type Defaults = Record<string, unknown> | undefined;
type Aliases = Partial<Record<string, string | readonly string[]>> | undefined;

/** Flattens an intersection into one object type. */
type Flat<T> = { [K in keyof T]: T[K] };

/** The type of one option: collected into an array or not, perhaps negated to `false`. */
type Value<N extends string, T, C extends Names, G extends Names> =
  | (N extends C ? T[] : T)
  | (N extends G ? false : never);

/** `foo` alone, or together with the aliases that are given for it. */
type WithAliases<N extends string, A extends Aliases> = N extends keyof A
  ? A[N] extends string ? N | A[N]
  : A[N] extends readonly string[] ? N | A[N][number]
  : N
  : N;

/** The names out of `N` that are certain to have a value. */
type Certain<N extends string, C extends Names, D extends Defaults> = N extends C ? N
  : N extends keyof D ? N
  : never;

type DefaultOf<N extends string, D extends Defaults> = N extends keyof D ? D[N] : never;

type Strings<S extends string, C extends Names, G extends Names, D extends Defaults> =
  & { [N in Certain<S, C, D>]: Value<N, string, C, G> | DefaultOf<N, D> }
  & { [N in Exclude<S, Certain<S, C, D>>]?: Value<N, string, C, G> };

type Flags<B extends string, C extends Names, D extends Defaults> = {
  [N in B]: Value<N, boolean, C, undefined> | DefaultOf<N, D>;
};

type Aliased<T, A extends Aliases> = {
  [N in keyof T as N extends string ? WithAliases<N, A> : never]: T[N];
};

/** Without `string`, `boolean` and `collect` anything goes; with them only what they declare. */
type Parsed<
  B extends Booleans,
  S extends Names,
  C extends Names,
  G extends Names,
  D extends Defaults,
  A extends Aliases,
> = [Extract<B, string> | Extract<S, string> | Extract<C, string>] extends [never]
  // deno-lint-ignore no-explicit-any
  ? Record<string, any>
  :
    & Record<string, unknown>
    & Flat<
      Aliased<
        Strings<Extract<S, string>, C, G, D> & Flags<Extract<B, string>, C, D>,
        A
      >
    >;

/** What {@linkcode parseArgs} returns. */
export type Args<
  // deno-lint-ignore no-explicit-any
  T extends Record<string, unknown> = Record<string, any>,
  DD extends boolean | undefined = undefined,
> =
  & T
  & {
    /** What belongs to no option. */
    _: Array<string | number>;
  }
  & (true extends DD ? {
      /** What follows a lone `--`, when that was asked for. */
      "--": string[];
    }
    : unknown);

/** What {@linkcode parseArgs} can be told. */
export interface ParseOptions<
  B extends Booleans = Booleans,
  S extends Names = Names,
  C extends Names = Names,
  G extends Names = Names,
  D extends Defaults = Defaults,
  A extends Aliases = Aliases,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Keep what follows a lone `--` apart. */
  "--"?: DD;
  /** Other names of an option. */
  alias?: A;
  /** Options without a value; `true`: all long ones written without `=`. */
  boolean?: B | ReadonlyArray<Extract<B, string>>;
  /** Values of options that are not given. */
  default?: D;
  /** Parse nothing after the first argument that belongs to no option. */
  stopEarly?: boolean;
  /** Options whose value stays a text, even if it looks like a number. */
  string?: S | ReadonlyArray<Extract<S, string>>;
  /** Options whose values are gathered in an array. */
  collect?: C | ReadonlyArray<Extract<C, string>>;
  /** Options that can be switched off with `--no-`. */
  negatable?: G | ReadonlyArray<Extract<G, string>>;
  /** Called with what was not declared, which is dropped when the answer is `false`. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

type OptionValue = string | number | boolean;

/** All names by which each option with aliases is known, itself included. */
function synonyms(aliases: Aliases): Map<string, string[]> {
  const known = new Map<string, string[]>();
  for (const [name, others] of Object.entries(aliases ?? {})) {
    if (others === undefined) throw new TypeError(`The alias of "${name}" is undefined`);
    const all = [name, ...(typeof others === "string" ? [others] : others)];
    for (const one of all) known.set(one, all);
  }
  return known;
}

/** `-abc`, taken apart into options without a value and a last one that may have one. */
function* shortOptions(
  cluster: string,
): Generator<{ name: string; value?: string; mayTakeNext?: true }> {
  for (let at = 0; at < cluster.length; at++) {
    const name = cluster.charAt(at);
    const rest = cluster.slice(at + 1);
    if (rest === "") {
      if (name !== "-") yield { name, mayTakeNext: true };
      return;
    }
    if (rest === "-") {
      yield { name, value: "-" };
      return;
    }
    const assigned = /=(.+)/.exec(rest)?.[1];
    const isLetter = /^[a-z]$/i.test(name);
    if (isLetter && assigned !== undefined) {
      yield { name, value: assigned };
      return;
    }
    const endsInNumber = /\d+(\.\d*)?(e-?\d+)?$/.test(rest);
    const nextIsPunctuation = rest.length > 1 && /^\W/.test(rest);
    if ((isLetter && endsInNumber) || nextIsPunctuation) {
      yield { name, value: rest };
      return;
    }
    yield { name };
  }
}

/** Parses command line arguments the way minimist does. */
export function parseArgs<
  B extends Booleans = undefined,
  S extends Names = undefined,
  C extends Names = undefined,
  G extends Names = undefined,
  const D extends Defaults = undefined,
  const A extends Aliases = undefined,
  DD extends boolean | undefined = undefined,
>(
  args: string[],
  options: ParseOptions<B, S, C, G, D, A, DD> = {},
): Args<Parsed<B, S, C, G, D, A>, DD> {
  const aliases = synonyms(options.alias);
  const withAliases = (given: Booleans | readonly string[]): Set<string> => {
    const names = Array.isArray(given) ? given : [given];
    return new Set(
      names.filter((name) => typeof name === "string" && name !== "")
        .flatMap((name: string) => [name, ...(aliases.get(name) ?? [])]),
    );
  };
  const booleans = withAliases(options.boolean);
  const strings = withAliases(options.string);
  const collected = withAliases(options.collect);
  const negatable = withAliases(options.negatable);
  const allBoolean = options.boolean === true;
  const { stopEarly = false, unknown = () => true } = options;

  const named: Record<string, unknown> = Object.create(null);
  const positional: Array<string | number> = [];

  const converted = (text: string): string | number =>
    text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  const withoutValue = (name: string): OptionValue => strings.has(name) ? "" : true;

  const store = (name: string, value: unknown, collect: boolean): void => {
    const present = named[name];
    if (!collect || !collected.has(name)) named[name] = value;
    else if (Array.isArray(present)) present.push(value);
    else named[name] = present ? [present, value] : [value];
  };

  const option = (name: string, value: OptionValue, arg: string, collect = true): void => {
    const declared = booleans.has(name) || strings.has(name) || aliases.has(name) ||
      (allBoolean && /^--[^=]+$/.test(arg));
    if (!declared && unknown(arg, name, value) === false) return;
    const final = typeof value === "string" && !strings.has(name) ? converted(value) : value;
    for (const one of new Set([name, ...(aliases.get(name) ?? [])])) store(one, final, collect);
  };

  const end = args.indexOf("--");
  const rest = end < 0 ? [] : args.slice(end + 1);
  const queue = end < 0 ? args.slice() : args.slice(0, end);

  /** An option written without `=` takes the next argument, if that can be its value. */
  const optionAndNext = (name: string, arg: string, isValue: (next: string) => boolean): void => {
    const next = queue[0];
    if (next !== undefined && next !== "") {
      if (!booleans.has(name) && isValue(next)) return option(name, String(queue.shift()), arg);
      if (next === "true" || next === "false") return option(name, queue.shift() === "true", arg);
    }
    option(name, withoutValue(name), arg);
  };

  const long = (arg: string): void => {
    const negated = arg.startsWith("--no-") && arg.length > 5;
    const body = arg.slice(negated ? 5 : 2);
    const equals = body.indexOf("=", 1);
    if (equals > 0 && equals < body.length - 1) {
      const name = body.slice(0, equals);
      const value = body.slice(equals + 1);
      option(name, booleans.has(name) ? value !== "false" : value, arg);
    } else if (negated && negatable.has(body)) {
      option(body, false, arg, false);
    } else {
      const name = negated ? `no-${body}` : body;
      optionAndNext(name, arg, (next) => !allBoolean && !next.startsWith("-"));
    }
  };

  const short = (arg: string): void => {
    for (const { name, value, mayTakeNext } of shortOptions(arg.slice(1))) {
      if (mayTakeNext) optionAndNext(name, arg, (next) => !/^--?[^-]/.test(next));
      else option(name, value ?? withoutValue(name), arg);
    }
  };

  for (let arg = queue.shift(); arg !== undefined; arg = queue.shift()) {
    if (arg.startsWith("--") && arg.length > 2) {
      long(arg);
    } else if (arg.startsWith("-") && arg.length > 1) {
      short(arg);
    } else {
      if (unknown(arg) !== false) positional.push(strings.has("_") ? arg : converted(arg));
      if (stopEarly) positional.push(...queue.splice(0));
    }
  }

  for (const [name, value] of Object.entries(options.default ?? {})) {
    if (Object.hasOwn(named, name)) continue;
    for (const one of new Set([name, ...(aliases.get(name) ?? [])])) named[one] = value;
  }
  for (const name of new Set([...booleans, ...strings])) {
    if (Object.hasOwn(named, name)) continue;
    if (collected.has(name)) named[name] = [];
    else if (booleans.has(name)) named[name] = false;
  }

  if (options["--"] !== true) positional.push(...rest);
  const double = options["--"] === true ? { "--": rest } : {};
  return { ...named, _: positional, ...double } as Args<Parsed<B, S, C, G, D, A>, DD>;
}
