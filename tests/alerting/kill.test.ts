import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, spawnServer } from '../support/process.ts'
import { startReceiver } from '../webhooks/receiver.ts'
import { openHome, putSecret, raised, tellHome } from './support.ts'

const YAML = (url: string) => `
project: flights
endpoints:
  flights: { model: models:/flights@champion }
alerts:
  destinations:
    team: { slack: { url: team-slack } }
    night: { pagerduty: { key: pager-key, url: ${url}/v2/enqueue } }
  routes:
    - { to: [team, night], wait: 0s }
`

test('an alert reaches each destination once, although they were away and the server was killed', async () => {
  const home = await mkdtemp(join(tmpdir(), 'orrery-alerts-'))
  const receiver = await startReceiver()
  receiver.answer({ status: 503, body: 'no: R0UTING-KEY' })
  const environment = {
    ORRERY_LOG_LEVEL: 'warn',
    ORRERY_WEBHOOK_SCHEMES: 'http',
    ORRERY_WEBHOOK_ALLOW_PRIVATE: 'true',
    ORRERY_SECRET_TEAM_SLACK: `${receiver.url}/services/T0/B0/s3cr3t`,
  }
  await tellHome(home, {
    yaml: YAML(receiver.url),
    facts: [raised('drift/1', { subject: 'dep_delay' }), raised('drift/2', { subject: 'dist' })],
  })
  await putSecret(home, 'pager-key', 'R0UTING-KEY\n')
  const settings = { home, port: await freePort(), environment }
  let server = await spawnServer(settings)
  try {
    await receiver.until(2)
    await server.kill()
    receiver.answer({ status: 200, body: 'ok' })
    server = await spawnServer(settings)
    const taken = () => receiver.received.slice(2)
    await expect
      .poll(() => new Set(taken().map(({ path }) => path)).size, { timeout: 25_000 })
      .toBe(2)
    const list = (await (await fetch(`${server.url}/api/v1/alerting/destinations`)).json()) as {
      destinations: { name: string; failures: number }[]
    }
    expect(list.destinations.map(({ name }) => name).toSorted()).toEqual(['night', 'team'])
    await server.kill()

    const slack = taken().filter(({ path }) => path === '/services/T0/B0/s3cr3t')
    expect(slack.map(({ body }) => JSON.parse(body) as object)).toEqual([
      expect.objectContaining({ text: '🟠 2 alerts of drift on flights: dep_delay, dist' }),
    ])
    const pager = taken().filter(({ path }) => path === '/v2/enqueue')
    expect(pager.map(({ body }) => JSON.parse(body) as object)).toEqual([
      expect.objectContaining({ routing_key: 'R0UTING-KEY', event_action: 'trigger' }),
    ])
    await expectNoSecrets(home)
  } finally {
    await server.kill()
    await receiver.stop()
    await rm(home, { recursive: true, force: true })
  }
})

/** Neither the ledger nor the log of what was sent knows what opens a door. */
async function expectNoSecrets(home: string): Promise<void> {
  const store = await openHome(home)
  const entries = await store.read.ledger.list({ after: -1, limit: 100 })
  const webhooks = await store.read.webhooks.enabled()
  const sent = await Promise.all(
    webhooks.map(({ id }) => store.read.webhooks.deliveries({ webhook: id, limit: 100 })),
  )
  await store.close()
  expect(sent.flat().map(({ state }) => state)).toEqual(['delivered', 'delivered'])
  const told = entries.filter(({ type }) => type === 'alert-told')
  expect(told.map(({ data }) => data['to'])).toEqual([['team', 'night']])
  const all = JSON.stringify([entries, webhooks, sent])
  expect(all).not.toContain('R0UTING-KEY')
  expect(all).not.toContain('s3cr3t')
}
