import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freePort, spawnServer } from '../support/process.ts'
import { startReceiver } from './receiver.ts'

const ROUNDS = Number(process.env['ORRERY_KILL_ROUNDS'] ?? 6)
const CLIENTS = 4

test(
  `each event reaches its receiver, under one id, although the server is killed ${ROUNDS} times`,
  { timeout: 60_000 + ROUNDS * 15_000 },
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'orrery-webhooks-'))
    const receiver = await startReceiver()
    const environment = {
      ORRERY_LOG_LEVEL: 'warn',
      ORRERY_WEBHOOK_SCHEMES: 'http',
      ORRERY_WEBHOOK_ALLOW_PRIVATE: 'true',
    }
    const settings = { home, port: await freePort(), environment }
    let server = await spawnServer(settings)
    try {
      const post = (path: string, body: unknown) =>
        fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })
      const given = { name: 'all', url: receiver.url, events: ['registered-model-created'] }
      expect((await post('/api/v1/webhooks', given)).status).toBe(201)
      const acknowledged: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const stop = new AbortController()
        const write = async (client: number) => {
          for (let each = 0; !stop.signal.aborted; each++) {
            const name = `m-${round}-${client}-${each}`
            const answer = await post('/api/2.0/mlflow/registered-models/create', { name }).catch(
              () => undefined,
            )
            if (answer?.ok === true) acknowledged.push(name)
          }
        }
        const clients = Array.from({ length: CLIENTS }, (_, client) => write(client))
        await sleep(100 + 150 * round)
        await server.kill()
        stop.abort()
        await Promise.all(clients)
        server = await spawnServer(settings)
      }
      const idsOf = () => {
        const ids = new Map<string, Set<string>>()
        for (const { headers, body } of receiver.received) {
          const { data } = JSON.parse(body) as { data: { model: string } }
          const known = ids.get(data.model) ?? new Set()
          ids.set(data.model, known.add(String(headers['webhook-id'])))
        }
        return ids
      }
      expect(acknowledged.length).toBeGreaterThan(ROUNDS)
      await expect
        .poll(
          () => {
            const ids = idsOf()
            return acknowledged.filter((name) => !ids.has(name))
          },
          { timeout: 30_000 },
        )
        .toEqual([])
      const ids = [...idsOf().values()]
      expect(ids.filter((each) => each.size !== 1)).toEqual([])
      expect(new Set(ids.flatMap((each) => [...each])).size).toBe(ids.length)
      expect(await server.stop()).toBe(0)
    } finally {
      await server.kill()
      await receiver.stop()
      await rm(home, { recursive: true, force: true })
    }
  },
)
