import type { Argv } from 'yargs'
import { loadConfig } from '#app/settings/config'
import { forkEarly } from '#app/plane/fork'
import { giveBackAtRest } from '#base/young-memory'
import { command } from '../command.ts'

/** Flags that several commands share with the server's settings. */
export function serverFlags(argv: Argv) {
  return argv
    .option('host', { type: 'string', describe: 'Address to listen on' })
    .option('port', { type: 'number', describe: 'TCP port; 0 takes a free one' })
    .option('home', { type: 'string', describe: 'Folder that holds everything' })
    .option('database', {
      type: 'string',
      describe: 'postgres://user:password@host:port/database instead of a SQLite file in the home',
    })
    .option('artifacts-destination', {
      type: 'string',
      describe: 'Where the server keeps artifacts: a folder or s3://bucket/prefix',
    })
    .option('default-artifact-root', {
      type: 'string',
      describe: 'Where clients write files of new experiments by themselves',
    })
    .option('serve-artifacts', {
      type: 'boolean',
      describe: 'Let clients send artifacts through the server; --no-serve-artifacts does not',
    })
    .option('keys', {
      type: 'string',
      describe: 'Folder of keys that servers on one database share',
    })
    .option('log-level', { type: 'string', describe: 'debug, info, warn, error or silent' })
}

export const up = command({
  command: ['up', 'server'],
  describe: 'Start the server',
  builder: serverFlags,
  handler: async (flags) => {
    const { config } = loadConfig({ ...flags })
    // Servers that share a database may never answer predictions themselves.
    if (config.servingPort !== 0 && config.database === '') forkEarly()
    const { startServer } = await import('#app/server')
    const server = await startServer(config)
    giveBackAtRest()
    process.stdout.write(
      flags.json === true
        ? `${JSON.stringify({ url: server.url, pid: process.pid })}\n`
        : `Orrery is up at ${server.url}\n`,
    )
    void server.dismissed.then(async (reason) => {
      process.stderr.write(`Stopped: ${reason}\n`)
      await server.stop()
      process.exit(1)
    })
    const stop = (signal: NodeJS.Signals) => {
      // A second signal means that somebody is tired of waiting.
      process.once(signal, () => process.exit(1))
      void server.stop().then(() => process.exit(0))
    }
    process.once('SIGTERM', stop)
    process.once('SIGINT', stop)
  },
})
