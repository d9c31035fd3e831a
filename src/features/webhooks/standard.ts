import { createHmac } from 'node:crypto'
import { Problem } from '#base/problem'
import type { Ids } from '#base/ids'
import type { Json } from '#base/json'
import type { Entry } from '#ledger'
import type { Dialect } from './dialect.ts'

const SECRET_PREFIX = 'whsec_'

/** Every ledger entry as an event, signed as Standard Webhooks specifies. */
export const standardDialect: Dialect = {
  checkEvents: (events) => {
    const wrong = events.find((event) => !/^(?=.{1,100}$)[a-z0-9*]+(-[a-z0-9*]+)*$/.test(event))
    if (wrong !== undefined)
      throw new Problem(
        'invalid',
        `${JSON.stringify(wrong.slice(0, 120))} is no event; name a ledger entry such as "model-version-registered", several as "promotion-*", or all as "*"`,
      )
  },
  factTypes: (events) => (events.some((event) => event.includes('*')) ? 'all' : events),
  message: async (entry, { events, subject }) => {
    if (!events.some((pattern) => matches(pattern, entry.type))) return undefined
    if (subject !== null && !isAbout(entry, subject)) return undefined
    return { event: entry.type, body: JSON.stringify(eventOf(entry)) }
  },
  example: (event, _webhook, atMs) => {
    const type = event ?? 'ping'
    const timestamp = new Date(atMs).toISOString()
    const data = { test: true }
    return { event: type, body: JSON.stringify({ type, timestamp, data }) }
  },
  headers: ({ id, atMs, body, secrets }) => {
    const timestamp = String(Math.floor(atMs / 1000))
    const signed = `${id}.${timestamp}.${body}`
    return {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': secrets.map((secret) => signatureOf(secret, signed)).join(' '),
    }
  },
}

export function newSecret(ids: Ids): string {
  return `${SECRET_PREFIX}${Buffer.from(ids.hex32() + ids.hex32(), 'hex').toString('base64')}`
}

/** Whether a type fits a pattern in which `*` stands for any letters. Takes time that grows with their lengths only. */
export function matches(pattern: string, type: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return type === pattern
  if (!type.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = type.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return type.length - last.length >= at && type.endsWith(last)
}

function eventOf(entry: Entry) {
  return {
    type: entry.type,
    timestamp: new Date(entry.atMs).toISOString(),
    position: entry.position,
    actor: entry.actor,
    subject: subjectOf(entry),
    data: entry.data,
    edges: entry.edges,
  }
}

/** What an entry tells of, by the first of these that its data names. */
const SUBJECTS = [
  'model',
  'run',
  'experiment',
  'endpoint',
  'policyRun',
  'pipelineRun',
  'project',
  'webhook',
] as const

function subjectOf({ data }: Entry): string | null {
  for (const kind of SUBJECTS) {
    const name = data[kind]
    if (isName(name)) return `${kind}:${name}`
  }
  return null
}

function isAbout({ data }: Entry, subject: string): boolean {
  const colon = subject.indexOf(':')
  const value = data[subject.slice(0, colon)]
  return isName(value) && String(value) === subject.slice(colon + 1)
}

function isName(value: Json | undefined): value is string | number {
  return typeof value === 'string' || typeof value === 'number'
}

function signatureOf(secret: string, text: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64')
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}
