import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  alertFollower,
  createAlerting,
  destinationIn,
  exampleNotice,
  tellHandler,
  type Notice,
  type Teller,
} from '#alerting'
import { messageOf, Problem } from '#base/problem'
import type { AlertDestination, Projects } from '#projects'
import { alertmanagerAlerts, alertmanagerUrl, withEnds } from '#protocols/alertmanager/index'
import { PAGERDUTY_URL, pagerDutyEvent, withRoutingKey } from '#protocols/pagerduty/index'
import { slackMessage } from '#protocols/slack/index'
import { mailOf, sendMail } from '#protocols/smtp/index'
import type { Reach } from '#protocols/webhooks/send'
import {
  standardDialect,
  type Answer,
  type DeclaredDialect,
  type Destinations,
  type Dialect,
  type Webhooks,
} from '#webhooks'
import type { Config } from '../settings/config.ts'
import { environment } from '../settings/environment.ts'
import type { Ground } from '../ground.ts'
import { VERSION } from '../version.ts'

/** The words of each kind of destination; what they make is kept, so no secret is in it. */
const TELLERS = {
  'alert-webhook': { bodyOf: (notice) => JSON.stringify(eventOf(notice)) },
  'alert-slack': { bodyOf: (notice) => unlessRefreshed(notice, slackMessage) },
  'alert-pagerduty': { bodyOf: (notice) => unlessRefreshed(notice, pagerDutyEvent) },
  'alert-alertmanager': {
    forgets: true,
    bodyOf: (notice) => {
      const alerts = alertmanagerAlerts(notice)
      return alerts === undefined ? undefined : JSON.stringify(alerts)
    },
  },
  'alert-email': { bodyOf: (notice) => unlessRefreshed(notice, mailOf) },
} satisfies Record<DeclaredDialect, Teller>

function unlessRefreshed(notice: Notice, write: (notice: Notice) => object): string | undefined {
  return notice.reason === 'refreshed' ? undefined : JSON.stringify(write(notice))
}

function eventOf(notice: Notice): object {
  return {
    type: `alert-${notice.reason}`,
    timestamp: new Date(notice.atMs).toISOString(),
    data: notice,
  }
}

/** Who hears of what: the feature, who reads the ledger for it, and who tells. */
export function alertingOf(
  { store, clock, ids }: Ground,
  { projects, webhooks }: { projects: Projects; webhooks: Webhooks },
) {
  const { read, transact } = store
  const parts = { transact, clock, ids }
  return {
    alerting: createAlerting({
      ...parts,
      read: read.alerting,
      webhookReads: read.webhooks,
      webhooks,
      projects,
    }),
    alertFollower: alertFollower({ clock, ids }),
    tellHandler: tellHandler({ ...parts, tellers: TELLERS }),
  }
}

/** How messages to the destinations of projects are brought to them. */
export function alertDialects(
  { config, store, clock }: Pick<Ground, 'config' | 'store' | 'clock'>,
  network: { destinations: Destinations; reach: Reach },
): Record<DeclaredDialect, Dialect> {
  const dialectOf = (name: DeclaredDialect): Dialect => ({
    checkEvents: () => undefined,
    factTypes: () => [],
    message: async () => undefined,
    headers: () => ({}),
    example: (_, { description }, atMs) => ({
      event: 'alert-test',
      body: TELLERS[name].bodyOf(exampleNotice(description, atMs)) ?? '',
    }),
    bring: async (message) => {
      const { project, name: called } = destinationIn(message.webhook.id)
      const { alerts } = (await store.read.projects.find(project))?.config ?? {}
      const destination = alerts?.destinations[called]
      if (destination === undefined)
        throw new Problem(
          'not-found',
          `the project ${project} has no destination ${called} any more`,
        )
      const used: string[] = []
      const secret = async (wanted: string) => {
        const value = await secretOf(config, wanted)
        used.push(value)
        return value
      }
      return without(used, () => brought(network, { ...message, destination, secret, clock }))
    },
  })
  const names = Object.keys(TELLERS) as DeclaredDialect[]
  return Object.fromEntries(names.map((name) => [name, dialectOf(name)])) as Record<
    DeclaredDialect,
    Dialect
  >
}

type Bringing = Parameters<NonNullable<Dialect['bring']>>[0] & {
  readonly destination: AlertDestination
  readonly secret: (name: string) => Promise<string>
  readonly clock: Ground['clock']
}

async function brought(
  { destinations, reach }: { destinations: Destinations; reach: Reach },
  bringing: Bringing,
): Promise<Answer> {
  const { destination, secret, id, atMs, body, signal, clock } = bringing
  const { webhook, slack, pagerduty, alertmanager, email } = destination
  if (slack !== undefined)
    return destinations.post({ url: await urlIn(secret, slack.url), headers: {}, body, signal })
  if (pagerduty !== undefined)
    return destinations.post({
      url: pagerduty.url ?? PAGERDUTY_URL,
      headers: {},
      body: withRoutingKey(body, await secret(pagerduty.key)),
      signal,
    })
  if (alertmanager !== undefined) {
    const { token } = alertmanager
    const headers: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${await secret(token)}` }
    const url = alertmanagerUrl(alertmanager.url)
    return destinations.post({ url, headers, body: withEnds(body, clock.nowMs()), signal })
  }
  if (webhook !== undefined) {
    const secrets = [await secret(webhook.secret)]
    const headers = standardDialect.headers({ id, atMs, body, secrets })
    return destinations.post({ url: webhook.url, headers, body, signal })
  }
  if (email !== undefined) return mailed({ ...bringing, reach, email })
  throw new Problem('unsupported', 'this kind of destination is not known here')
}

async function mailed({
  email,
  reach,
  secret,
  id,
  body,
  signal,
}: Bringing & { email: NonNullable<AlertDestination['email']>; reach: Reach }): Promise<Answer> {
  const { server, tls = 'starttls', user, password, from, to } = email
  const [host = '', port = '587'] = server.split(':')
  const { address } = await reach(host, signal)
  const login =
    user === undefined
      ? undefined
      : { user, password: password === undefined ? '' : await secret(password) }
  return sendMail(
    { host, address, port: Number(port), tls, login },
    { from, to, id, body, agent: `orrery/${VERSION}` },
  )
}

/** Of an address that is secret nothing is told, also not that it is none. */
async function urlIn(secret: Bringing['secret'], name: string): Promise<string> {
  const url = await secret(name)
  if (URL.canParse(url)) return url
  throw new Problem('invalid', `the secret ${name} is no address; it must be the whole URL`)
}

/** What names a secret in a project reaches nothing else of the server than what was put aside for that. */
async function secretOf({ home }: Config, name: string): Promise<string> {
  const variable = `ORRERY_SECRET_${name.toUpperCase().replaceAll('-', '_')}`
  const set = environment[variable]
  if (set !== undefined && set !== '') return set
  const file = join(home, 'secrets', name)
  const text = await readFile(file, 'utf8').catch(() => '')
  if (text.trim() !== '') return text.trim()
  throw new Problem(
    'unavailable',
    `this server has no secret ${name}: set ${variable} and start it again, or write it into ${file}`,
  )
}

/** Gives what `send` gives or throws, with secrets blotted out: answers and errors are kept and shown. */
async function without(secrets: readonly string[], send: () => Promise<Answer>): Promise<Answer> {
  const blotted = (text: string) =>
    secrets.reduce((left, secret) => left.replaceAll(secret, '***'), text)
  try {
    const answer = await send()
    return { ...answer, body: blotted(answer.body) }
  } catch (error) {
    throw new Problem(
      error instanceof Problem ? error.code : 'unavailable',
      blotted(messageOf(error)),
    )
  }
}
