import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig, type Config } from '#app/settings/config'
import { startServer } from '#app/server'
import { databaseFor } from './database.ts'

export interface TestServer {
  readonly url: string
  readonly home: string
  /** Stops the server; its home goes with it unless it is kept for a restart. */
  stop(how?: { keepHome: boolean }): Promise<void>
}

/** The real server in this process, on a free loopback port, with a home of its own. */
export async function startTestServer(settings: Partial<Config> = {}): Promise<TestServer> {
  const home = settings.home ?? (await mkdtemp(join(tmpdir(), 'orrery-home-')))
  const database = await databaseFor(home)
  const { config } = loadConfig({ port: 0, logLevel: 'silent', database, ...settings, home }, {})
  const server = await startServer(config, { logger: pino({ level: config.logLevel }) })
  return {
    url: server.url,
    home,
    stop: async (how = { keepHome: false }) => {
      await server.stop()
      if (!how.keepHome) await rm(home, { recursive: true, force: true })
    },
  }
}
