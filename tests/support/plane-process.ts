import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { loadConfig, type Config } from '#app/settings/config'
import { supervisePlane, type PlaneProcess } from '#app/plane/supervise'
import type { EndpointSettings, EndpointTable } from '#inference'
import { fixtureModels } from './serving.ts'

/** A serving plane in a process of its own, as the server has it, without the server. */
export async function openPlaneProcess(settings: Partial<Config> = {}): Promise<PlaneProcess> {
  const home = await mkdtemp(join(tmpdir(), 'orrery-plane-'))
  const { config } = loadConfig({ port: 0, home, logLevel: 'silent', ...settings }, {})
  return supervisePlane({
    settings: config,
    log: { findBatch: async () => undefined },
    logger: pino({ level: 'silent' }),
    onRestart: () => undefined,
    onPulse: () => undefined,
  })
}

/** What a plane is told of an endpoint that one fixture model answers. */
export async function tableOf(
  name: string,
  {
    file = name,
    settings = null,
    example = null,
  }: {
    file?: string
    settings?: EndpointSettings | null
    example?: { columns: string[]; rows: (string | number)[][] } | null
  } = {},
): Promise<EndpointTable> {
  const models = fixtureModels()
  models.set(name, 1, file)
  const servable = await models.source.get(name, 1)
  const files = await models.source.place(name, 1)
  const revision = { endpoint: name, number: 1, role: 'live', model: name, version: 1 } as const
  return {
    name,
    monitor: null,
    log: null,
    settings,
    routing: {
      endpoint: name,
      revisions: [{ revision: 1, version: 1, weight: 1 }],
      shadows: [],
      override: 'refused',
    },
    revisions: [
      {
        servable: { ...servable, example },
        files: { ...files, shared: settings !== null },
        revision: { ...revision, digest: file, createdMs: 0 },
      },
    ],
    labels: {},
    failure: null,
  }
}
