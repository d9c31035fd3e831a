import { Problem } from '#base/problem'

/** Which words a receiver understands: our own events by Standard Webhooks, those of MLflow's registry, or OpenLineage's. */
export type DialectName = 'standard' | 'mlflow' | 'openlineage' | DeclaredDialect

/** Destinations of alerts, which a project declares: they are told what its routes say, and never follow the ledger. */
export type DeclaredDialect =
  | 'alert-webhook'
  | 'alert-slack'
  | 'alert-pagerduty'
  | 'alert-alertmanager'
  | 'alert-email'

/** Whether its project says what it is: nobody else changes it, and it is never given up. */
export function isDeclared({ dialect }: { dialect: DialectName }): boolean {
  return dialect.startsWith('alert-')
}

/** A secret as it is kept: sealed with a key that is not in the database. */
export interface SealedSecret {
  readonly sealed: string
  /** When it stops signing beside a newer one; null for the present one. */
  readonly untilMs: number | null
}

/** An address that is told what happens. */
export interface Webhook {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly url: string
  readonly dialect: DialectName
  /** What it asks for, as its dialect names events. */
  readonly events: readonly string[]
  /** `model:flights`, `experiment:3` …: only facts about that; null for all. */
  readonly subject: string | null
  readonly enabled: boolean
  /** Why the platform disabled it; null when it did not. */
  readonly disabledBecause: string | null
  /** It is told of facts after this position: those since it was made or enabled. */
  readonly after: number
  /** The newest first. Only one of ours always has one; OpenLineage's is the key that its receiver asks for. */
  readonly secrets: readonly SealedSecret[]
  readonly health: Health
  /** The job that is to look at its deliveries next, and when; null when there is nothing to deliver. */
  readonly turn: { readonly key: string; readonly atMs: number } | null
  readonly createdMs: number
  readonly updatedMs: number
}

/** How its receiver answers. */
export interface Health {
  /** Failures since the last success. */
  readonly failures: number
  readonly failingSinceMs: number | null
  /** Nothing is sent before this; null while the receiver answers. */
  readonly pausedUntilMs: number | null
}

export const HEALTHY: Health = { failures: 0, failingSinceMs: null, pausedUntilMs: null }

/** Each new fact is held against every webhook. */
export const WEBHOOKS_MAX = 500
/** One request may name so many kinds of events; more are a `*`. */
const EVENTS_MAX = 100
const URL_CHARS_MAX = 2048
const DESCRIPTION_CHARS_MAX = 1000

export function checkedName(name: string): string {
  if (/^(?=.{1,63}$)[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name)) return name
  throw new Problem(
    'invalid',
    `Webhook name ${JSON.stringify(name.slice(0, 100))} is invalid; it must have 1 to 63 letters, digits, dots, underscores and hyphens, and start and end with a letter or digit`,
  )
}

export function checkedUrl(url: string): string {
  if (url.length <= URL_CHARS_MAX) return url
  throw new Problem('invalid', `the URL of a webhook has at most ${URL_CHARS_MAX} characters`)
}

export function checkedDescription(description: string): string {
  if (description.length <= DESCRIPTION_CHARS_MAX) return description
  throw new Problem(
    'invalid',
    `the description of a webhook has at most ${DESCRIPTION_CHARS_MAX} characters`,
  )
}

export function checkedEvents(events: readonly string[]): readonly string[] {
  if (events.length > 0 && events.length <= EVENTS_MAX) return [...new Set(events)]
  throw new Problem(
    'invalid',
    `a webhook asks for 1 to ${EVENTS_MAX} kinds of events, not ${events.length}; "*" asks for all`,
  )
}

export function checkedSubject(subject: string | null): string | null {
  if (subject === null) return subject
  if (/^[a-z][A-Za-z]*:.{1,300}$/s.test(subject) && subject.isWellFormed()) return subject
  throw new Problem(
    'invalid',
    `the subject ${JSON.stringify(subject.slice(0, 100))} is not "kind:name"; say for example "model:flights", "experiment:3", "run:…", "endpoint:late" or "project:flights"`,
  )
}

/** What may be told of an address where it is kept for ever: those of chat services hold a secret in their path. */
export function originOf(url: string): string {
  return URL.parse(url)?.origin ?? 'no address'
}

export function webhookNotFound(id: string): Problem {
  return new Problem(
    'not-found',
    `Webhook with ID ${id} not found; "orrery webhooks list" shows those that are there`,
  )
}
