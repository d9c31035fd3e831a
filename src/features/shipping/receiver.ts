import { Problem } from '#base/problem'

/** `events` are the facts of the ledger; `predictions` what endpoints have answered. */
export const LOGS = ['events', 'predictions'] as const
export type LogName = (typeof LOGS)[number]

/** A search engine that is sent what happens, and how far it has been sent. */
export interface LogReceiver {
  readonly id: string
  readonly name: string
  /** Of the engine; what is written below it is the protocol's. */
  readonly url: string
  readonly logs: readonly LogName[]
  /** The last part of the names of its data streams. */
  readonly namespace: string
  /** The key that the engine asks for, sealed. */
  readonly key: string | null
  readonly createdMs: number
  readonly reached: Reached
  readonly health: ShippingHealth
}

/** Where to go on. */
export interface Reached {
  /** Position of the last fact that was taken. */
  readonly events: number
  /** By endpoint, the place in the log that comes next. */
  readonly predictions: Readonly<Record<string, number>>
}

export interface ShippingHealth {
  readonly shipped: number
  /** Documents that the receiver will never take, and what it said of the last one. */
  readonly rejected: number
  readonly rejection: string | null
  /** Since the last success. */
  readonly failures: number
  readonly failure: string | null
  readonly shippedMs: number | null
}

export interface NewLogReceiver {
  readonly name: string
  readonly url: string
  readonly logs: readonly LogName[]
  readonly namespace?: string | undefined
  readonly key?: string | undefined
  /** From the beginning, or only what comes from now on. */
  readonly from: 'start' | 'now'
}

export const RECEIVERS_MAX = 20

export const FRESH: ShippingHealth = {
  shipped: 0,
  rejected: 0,
  rejection: null,
  failures: 0,
  failure: null,
  shippedMs: null,
}

/** Throws `invalid` for what cannot be the part of a data stream's name. */
export function checkReceiver({ name, logs, namespace, key }: NewLogReceiver): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
    throw new Problem('invalid', `${JSON.stringify(name.slice(0, 120))} cannot name a receiver`)
  if (logs.length === 0)
    throw new Problem('invalid', `say what ${name} is sent: ${LOGS.join(', ')}, or both`)
  if (namespace !== undefined && !/^[a-z0-9_.]{1,100}$/.test(namespace))
    throw new Problem(
      'invalid',
      `the namespace ${JSON.stringify(namespace.slice(0, 120))} must be small letters, digits, _ and .`,
    )
  if (key !== undefined && !/^[\x21-\x7e]{1,1000}$/.test(key))
    throw new Problem('invalid', 'the key must be printable ASCII without spaces')
}
