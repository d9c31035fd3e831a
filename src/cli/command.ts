import type { ArgumentsCamelCase, Argv, CommandModule } from 'yargs'

/** A command as the command line lists it. */
export type Command = CommandModule

/** Declares a command; its handler sees the flags that its builder names, and `json`. */
export function command<Flags>(definition: {
  command: string | readonly string[]
  describe: string
  builder: (argv: Argv) => Argv<Flags>
  handler: (flags: ArgumentsCamelCase<Flags> & { json?: boolean }) => Promise<void> | void
}): Command {
  return definition as unknown as Command
}

/** Of commands that only tell what they did, and whether it went well. */
export const QUIET = {
  alias: 'q',
  type: 'boolean',
  default: false,
  describe: 'Say nothing',
} as const
