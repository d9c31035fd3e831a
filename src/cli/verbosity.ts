import { arch, platform } from 'node:os'
import type { Argv } from 'yargs'
import { VERSION } from '#app/version'

let isVerbose = false

/** The flag with which a command tells what helps to find a fault, on standard error. */
export function withVerbose(parser: Argv): Argv {
  return parser
    .option('verbose', {
      alias: 'v',
      type: 'boolean',
      default: false,
      global: true,
      describe: 'Tell the version, the time it took, and where a failure comes from',
    })
    .middleware(({ verbose }) => {
      if (verbose) tellMore()
    })
}

function tellMore(): void {
  isVerbose = true
  process.stderr.write(
    `orrery ${VERSION} on Node ${process.versions.node}, ${platform()} ${arch()}, in ${process.cwd()}\n`,
  )
  process.once('exit', () => {
    process.stderr.write(`took ${(performance.now() / 1000).toFixed(2)} s\n`)
  })
}

/** Where a failure comes from, with what caused it; an expected one tells that only where it was asked for. */
export function originOf(error: unknown, { expected }: { expected: boolean }): string {
  if (!(error instanceof Error) || (expected && !isVerbose)) return ''
  const cause = error.cause === undefined ? '' : `caused by ${originOf(error.cause, { expected })}`
  return `${error.stack ?? ''}\n${cause}`
}
