import { EMBEDDED, VERSION } from '#app/version'
import { command, QUIET } from '../command.ts'

export const version = command({
  command: 'version',
  describe: 'Say which version this is, what it runs on and what it brings along',
  builder: (argv) =>
    argv.option('quiet', QUIET).example('$0 version --json', 'for a report, or a script'),
  handler: async (flags) => {
    const { release } = await import('node:os')
    const { say } = await import('../say.ts')
    const platform = `${process.platform} ${process.arch}, ${release()}`
    const embedded = { node: process.versions.node, ...EMBEDDED }
    if (flags.quiet) return
    say(flags, { version: VERSION, platform, embedded }, [
      `orrery ${VERSION}`,
      `platform: ${platform}`,
      ...Object.entries(embedded).map(([name, each]) => `${name}: ${each}`),
    ])
  },
})
