import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { freePort, spawnServer } from '../support/process.ts'

const ROUNDS = 2
const ROWS = 200

test('predictions of other systems are kept once each, though the server is killed while they are told', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-told-kill-'))
  const settings = { home, port: await freePort(), environment: { ORRERY_LOG_LEVEL: 'warn' } }
  let server = await spawnServer(settings)
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${server.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(await answer.text())
    return (await answer.json()) as Record<string, number>
  }
  const batch = (number: number) => ({
    endpoint: 'killed',
    predictions: Array.from({ length: ROWS }, (_, at) => ({
      id: `${number}-${at}`,
      time: Date.UTC(2026, 0, 5) + number * ROWS + at,
      inputs: { amount: at },
      outputs: { score: at / ROWS },
      label: at % 2,
    })),
  })
  try {
    await post('/endpoints', { name: 'killed', elsewhere: true })
    const acknowledged = new Set<number>()
    let sent = 0
    for (let round = 0; round < ROUNDS; round++) {
      const dies = sleep(200 + 200 * round).then(() => server.kill())
      for (let isUp = true; isUp;)
        try {
          await post('/predictions', batch(sent++))
          acknowledged.add(sent - 1)
        } catch {
          isUp = false
        }
      await dies
      server = await spawnServer(settings)
    }
    expect(acknowledged.size).toBeGreaterThan(0)
    // A caller that was not answered asks again, and so does one that has forgotten its answer.
    let accepted = 0
    for (let number = 0; number < sent; number++) {
      const told = await post('/predictions', batch(number))
      if (acknowledged.has(number)) expect(told).toMatchObject({ accepted: 0, unchanged: ROWS })
      // All of a request is there, or nothing of it.
      expect([0, ROWS]).toContain(told['accepted'])
      accepted += told['accepted'] ?? 0
    }
    expect(accepted).toBeLessThanOrEqual(ROUNDS * ROWS)
    const rows = await fetch(`${server.url}/api/v1/endpoints/killed/predictions?limit=10000`)
    const { predictions } = (await rows.json()) as { predictions: { label: unknown }[] }
    expect(predictions).toHaveLength(Math.min(10_000, sent * ROWS))
    expect(predictions.every(({ label }) => label === 0 || label === 1)).toBe(true)
  } finally {
    await server.kill()
    await rm(home, { recursive: true, force: true })
  }
}, 120_000)
