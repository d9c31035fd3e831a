import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import { Webhook as Verifier } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAlertmanager, type Watcher } from '../support/prometheus.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startReceiver, type Receiver } from '../webhooks/receiver.ts'
import { cleared, putSecret, raised, tellHome } from './support.ts'

const PASSWORD = 'the password of the mailbox'
const SIGNING = `whsec_${Buffer.from('a secret of twenty-four').toString('base64')}`

interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly user: string | undefined
  readonly text: string
}

let home: string
let receiver: Receiver
let alertmanager: Watcher
let mailServer: SMTPServer
let server: TestServer
const mails: Mail[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'orrery-destinations-'))
  receiver = await startReceiver()
  alertmanager = await startAlertmanager()
  mailServer = new SMTPServer({
    // `authOptional` stays off: a mail without the password is refused.
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _, done) => {
      if (password === PASSWORD) done(null, { user: username ?? '' })
      else done(new Error('Invalid username or password'))
    },
    onData: (stream, { envelope, user }, done) => {
      let text = ''
      stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = envelope
        const from = mailFrom === false ? '' : mailFrom.address
        mails.push({ from, to: rcptTo.map(({ address }) => address), user, text })
        done()
      })
    },
  })
  await new Promise<void>((resolve) => {
    mailServer.listen(0, '127.0.0.1', resolve)
  })
  const { port } = mailServer.server.address() as AddressInfo
  await tellHome(home, { yaml: yamlOf(port) })
  await putSecret(home, 'mailbox', PASSWORD)
  await putSecret(home, 'wrong', 'another password')
  await putSecret(home, 'own', SIGNING)
  await putSecret(home, 'pager', 'R0UTING')
  server = await startTestServer({
    home,
    database: '',
    webhookSchemes: 'http',
    webhookAllowPrivate: true,
  })
})

afterAll(async () => {
  await server?.stop({ keepHome: true })
  await receiver?.stop()
  await alertmanager?.stop()
  await new Promise<void>((resolve) => {
    mailServer.close(resolve)
  })
  await rm(home, { recursive: true, force: true })
})

const yamlOf = (port: number) => `
project: flights
endpoints:
  flights: { model: models:/flights@champion }
alerts:
  link: https://orrery.example.org/
  destinations:
    post: { email: { to: [ann@example.org, bob@example.org], from: orrery@example.org, server: '127.0.0.1:${port}', tls: none, user: orrery, password: mailbox } }
    shut: { email: { to: [ann@example.org], from: orrery@example.org, server: '127.0.0.1:${port}', tls: none, user: orrery, password: wrong } }
    open: { email: { to: [ann@example.org], from: orrery@example.org, server: '127.0.0.1:${port}', user: orrery, password: mailbox } }
    hub: { alertmanager: { url: '${alertmanager.url}' } }
    own: { webhook: { url: '${receiver.url}/own', secret: own } }
    pager: { pagerduty: { key: pager, url: '${receiver.url}/pager' } }
    lost: { slack: { url: nowhere } }
  routes:
    - { to: [post, hub, own, pager], wait: 0s, interval: 0s }
`

const api = async (path: string, body?: unknown) => {
  const answer = await fetch(`${server.url}/api/v1${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return (await answer.json()) as Record<string, unknown>
}

interface HubAlert {
  readonly labels: Record<string, string>
  readonly annotations: Record<string, string>
  readonly status: { state: string }
  readonly endsAt: string
}

test('an example of each destination says at once whether it works, and never what opens it', async () => {
  const tried = async (name: string) => api(`/alerting/destinations/flights/${name}/test`, {})
  for (const name of ['post', 'own', 'pager', 'hub'])
    expect(await tried(name)).toMatchObject({ state: 'delivered', error: null })
  expect(await tried('shut')).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/Invalid username/) as string,
  })
  expect(await tried('open')).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/STARTTLS/i) as string,
  })
  expect(await tried('lost')).toMatchObject({
    state: 'failed',
    error: expect.stringMatching(/ORRERY_SECRET_NOWHERE/) as string,
  })
  expect(await tried('nobody')).toMatchObject({ code: 'not-found' })
  mails.length = 0
})

test('an alert, that somebody looks after it, and that it is over reach a real mailbox, Alertmanager and the others', async () => {
  const before = receiver.received.length
  const fact = raised('drift/1', { subject: 'dep_<b>delay', severity: 'critical' })
  await server.stop({ keepHome: true })
  await tellHome(home, { facts: [fact, raised('drift/2', { subject: 'dist' })] })
  server = await startTestServer({
    home,
    database: '',
    webhookSchemes: 'http',
    webhookAllowPrivate: true,
  })
  await expect.poll(() => mails.length, { timeout: 15_000 }).toBe(1)
  expect(mails[0]).toMatchObject({
    from: 'orrery@example.org',
    to: ['ann@example.org', 'bob@example.org'],
    user: 'orrery',
  })
  expect(mails[0]?.text).toMatch(/^Subject: \[critical\] 2 alerts of drift on flights/m)
  expect(mails[0]?.text).not.toContain('<b>delay</b>')

  const hub = () => alertmanager.get<HubAlert[]>('/api/v2/alerts')
  const drifts = async () => (await hub()).filter(({ labels }) => labels['kind'] === 'drift')
  await expect.poll(async () => (await drifts()).length).toBe(2)
  const one = (await drifts()).find(({ labels }) => labels['subject'] === 'dist')
  expect(one).toMatchObject({
    labels: {
      alertname: 'OrreryDrift',
      endpoint: 'flights',
      project: 'flights',
      severity: 'warning',
    },
    annotations: { summary: 'dist drifted' },
  })
  expect(Date.parse(one?.endsAt ?? '') - Date.now()).toBeGreaterThan(23 * 3_600_000)

  await api('/alerting/alerts/drift%2F1/acknowledge', { comment: 'mine' })
  await expect.poll(() => mails.length, { timeout: 15_000 }).toBe(2)
  expect(mails[1]?.text).toContain('mine')
  await server.stop({ keepHome: true })
  await tellHome(home, {
    facts: [cleared('drift/1'), cleared('drift/2')],
  })
  server = await startTestServer({
    home,
    database: '',
    webhookSchemes: 'http',
    webhookAllowPrivate: true,
  })
  await expect.poll(() => mails.length, { timeout: 15_000 }).toBe(3)
  expect(mails[2]?.text).toMatch(/^Subject: \[ok\] Over: 2 alerts/m)
  await expect.poll(async () => (await drifts()).length).toBe(0)

  await receiver.until(before + 6)
  const at = (path: string) => receiver.received.slice(before).filter((each) => each.path === path)
  for (const { body, headers } of at('/own'))
    new Verifier(SIGNING).verify(body, headers as Record<string, string>)
  expect(at('/own').map(({ body }) => (JSON.parse(body) as { type: string }).type)).toEqual([
    'alert-raised',
    'alert-acknowledged',
    'alert-recovered',
  ])
  const events = at('/pager').map(({ body }) => JSON.parse(body) as Record<string, string>)
  expect(events.map((event) => event['event_action'])).toEqual([
    'trigger',
    'acknowledge',
    'resolve',
  ])
  expect(new Set(events.map((event) => event['dedup_key'])).size).toBe(1)
})
