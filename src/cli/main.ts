import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { messageOf, Problem } from '#base/problem'
import { VERSION } from '#app/version'
import { commandsFor } from './commands/index.ts'

/** The command line: one file a command, listed in `commands/index.ts`. */
export async function main(args: readonly string[]): Promise<void> {
  // Which version it is can be told without loading every command.
  if (args[0] === '--version') return void process.stdout.write(`${VERSION}\n`)
  const commands = await commandsFor(args[0])
  // One command is left when the first word names it.
  const named = commands.length === 1 ? args[0] : undefined
  const parser = yargs([...args])
    .scriptName('orrery')
    .usage('$0 <command>\n\nThe machine-learning lifecycle as one loop.')
    .version(VERSION)
    .option('json', { type: 'boolean', default: false, describe: 'Print JSON', global: true })
    .completion('completion', 'Print a script that completes commands in your shell')
    .demandCommand(1, 'Name a command; "orrery --help" lists them.')
    .strict()
    .recommendCommands()
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .fail((message, error) => {
      throw error ?? new Problem('invalid', helped(message, named))
    })
  for (const command of commands) parser.command(command)
  try {
    await parser.parseAsync()
  } catch (error) {
    report(error)
  }
}

/** What is wrong with the arguments, in one line that ends with the command that helps. */
function helped(message: string, command: string | undefined): string {
  const line = message.replace(/\s*\n\s*/g, ' ').trim()
  return command === undefined ? line : `${line}; "orrery ${command} --help" tells what it takes`
}

function report(error: unknown): void {
  const known = error instanceof Problem
  const asJson = process.argv.includes('--json')
  if (asJson)
    process.stdout.write(
      `${JSON.stringify({ error: { code: known ? error.code : 'internal', message: messageOf(error) } })}\n`,
    )
  else process.stderr.write(`orrery: ${messageOf(error)}\n`)
  if (!known && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`)
  process.exitCode = known ? 2 : 1
}

await main(hideBin(process.argv))
