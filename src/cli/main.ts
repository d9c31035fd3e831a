import yargs, { type Argv } from 'yargs'
import { hideBin } from 'yargs/helpers'
import { diskProblem } from '#base/disk'
import { messageOf, Problem } from '#base/problem'
import { VERSION } from '#app/version'
import type { Command } from './command.ts'
import { commandsFor, commandWords } from './commands/index.ts'
import { withCommandApart } from './stage-words.ts'
import { originOf, withVerbose } from './verbosity.ts'

/** The command line: one file a command, listed in `commands/index.ts`. */
export async function main(args: readonly string[]): Promise<void> {
  // Which version it is can be told without loading every command.
  if (args[0] === '--version') return void process.stdout.write(`${VERSION}\n`)
  if (args[0] === COMPLETE) return complete(args)
  const commands = await commandsFor(args[0])
  // One command is left when the first word names it.
  const named = commands.length === 1 ? args[0] : undefined
  try {
    await parserOf(withCommandApart(args), { commands, named }).parseAsync()
  } catch (error) {
    report(error)
  }
}

/** By which the script that completes words in the shell calls, with the program's name and the words so far. */
const COMPLETE = '--get-yargs-completions'

async function complete(args: readonly string[]): Promise<void> {
  const words = args.slice(2)
  const [command = ''] = words
  if (words.length < 2) return print(commandWords.filter((word) => word.startsWith(command)))
  const { namesFor } = await import('./completion.ts')
  print(await namesFor(words))
  // Flags, and words that a command always knows, are printed by yargs.
  await parserOf(args, { commands: await commandsFor(command), named: command }).parseAsync()
}

function print(names: readonly string[]): void {
  process.stdout.write(names.map((name) => `${name}\n`).join(''))
}

function parserOf(
  args: readonly string[],
  { commands, named }: { commands: readonly Command[]; named: string | undefined },
): Argv {
  const parser = yargs([...args])
    .scriptName('orrery')
    .usage('$0 <command>\n\nThe machine-learning lifecycle as one loop.')
    .version(VERSION)
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON', global: true })
    .alias('h', 'help')
    .completion('completion', 'Print a script that completes commands in your shell')
    .demandCommand(1, 'Name a command; "orrery --help" lists them.')
    .strict()
    .recommendCommands()
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error ?? new Problem('invalid', helped(message, named))
    })
  withVerbose(parser)
  for (const command of commands) parser.command(command)
  return withoutHelpAtHand(parser)
}

interface Usage {
  cacheHelpMessage(): void
}

/**
 * The library draws a command's help as the command begins, should it fail later: a twelfth of a short command's time,
 * for what nobody sees, as failures are told in one line.
 */
function withoutHelpAtHand(parser: Argv): Argv {
  const inside = parser as Argv & { getInternalMethods(): { getUsageInstance(): Usage } }
  inside.getInternalMethods().getUsageInstance().cacheHelpMessage = () => {}
  return parser
}

/** What is wrong with the arguments, in one line that ends with the command that helps. */
function helped(message: string, command: string | undefined): string {
  const line = message.replace(/\s*\n\s*/g, ' ').trim()
  return command === undefined ? line : `${line}; "orrery ${command} --help" tells what it takes`
}

function report(error: unknown): void {
  const problem = error instanceof Problem ? error : diskProblem(error)
  const message = messageOf(problem ?? error)
  const asJson = process.argv.includes('--json')
  if (asJson)
    process.stdout.write(
      `${JSON.stringify({ error: { code: problem?.code ?? 'internal', message } })}\n`,
    )
  else process.stderr.write(`orrery: ${message}\n`)
  process.stderr.write(originOf(error, { expected: problem !== undefined }))
  process.exitCode = problem === undefined ? 1 : 2
}

// Who reads may have had enough, as `head` has: the work goes on to its end, and whatever only tells looks at `errored`.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })

await main(hideBin(process.argv))
