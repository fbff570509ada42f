/** Stand-in for `@std/log/levels`; see ../README.md. */

/** The number of each log level, by its name. */
export const LogLevels = {
  NOTSET: 0,
  DEBUG: 10,
  INFO: 20,
  WARN: 30,
  ERROR: 40,
  CRITICAL: 50,
} as const;

/** The name of a log level. */
export type LevelName = keyof typeof LogLevels;

/** The number of a log level. */
export type LogLevel = (typeof LogLevels)[LevelName];

/** All names, the least severe first. */
export const LogLevelNames: LevelName[] = Object.keys(LogLevels) as LevelName[];

/** The number that belongs to a name; throws when there is none. */
export function getLevelByName(name: LevelName): LogLevel {
  if (!Object.hasOwn(LogLevels, name)) throw new Error(`There is no log level named "${name}"`);
  return LogLevels[name];
}

/** The name that belongs to a number; throws when there is none. */
export function getLevelName(level: LogLevel): LevelName {
  const name = LogLevelNames.find((candidate) => LogLevels[candidate] === level);
  if (name === undefined) throw new Error(`There is no log level with the number ${level}`);
  return name;
}
