import { invariant } from '#base/invariant'
import type { Entry } from '#ledger'
import type { RegistryReads } from '#registry'
import type { DeclaredDialect, DialectName, Webhook } from './webhook.ts'

/** How facts are told to one kind of receiver. */
export interface Dialect {
  /** Throws `invalid` for an event that never comes. */
  checkEvents(events: readonly string[]): void
  /** Facts that may have to be told to a webhook that asks for these events. */
  factTypes(events: readonly string[]): readonly string[] | 'all'
  /** What the webhook is told of a fact; undefined when it did not ask. */
  message(
    entry: Entry,
    webhook: Pick<Webhook, 'events' | 'subject'>,
    registry: RegistryReads,
  ): Promise<Message | undefined>
  /** A message that tells nothing, to try a receiver with. */
  example(
    event: string | undefined,
    webhook: Pick<Webhook, 'events' | 'description'>,
    atMs: number,
  ): Message
  /** Headers that name, date and sign a message; `secrets` sign it each. */
  headers(message: {
    id: string
    atMs: number
    body: string
    secrets: readonly string[]
  }): Readonly<Record<string, string>>
  /** Brings a message to its receiver, where more is needed than a post to the webhook's address. Throws as `post` does. */
  bring?(message: {
    webhook: Webhook
    id: string
    atMs: number
    body: string
    signal: AbortSignal
  }): Promise<Answer>
}

/** How a receiver answered, whatever its status. */
export interface Answer {
  readonly status: number
  readonly body: string
  readonly retryAfterMs: number | null
}

export interface Message {
  /** What is told, for the log. */
  readonly event: string
  /** The exact text to be signed and sent. */
  readonly body: string
  /** Messages that must come in their order share it. */
  readonly lane?: string
}

/** Those of destinations that projects declare are there where alerts are. */
export type Dialects = Readonly<Record<Exclude<DialectName, DeclaredDialect>, Dialect>> &
  Readonly<Partial<Record<DeclaredDialect, Dialect>>>

export function dialectOf(
  dialects: Dialects,
  { dialect: name }: { dialect: DialectName },
): Dialect {
  const dialect = dialects[name]
  invariant(dialect !== undefined, `nothing speaks ${name} here`)
  return dialect
}

/** The network, with the guard before it. */
export interface Destinations {
  /** Throws `invalid` for an address that is not called from here. */
  check(url: string): Promise<void>
  /** Posts and gives the answer, whatever its status. Throws a `Problem` when there was none. */
  post(request: {
    url: string
    headers: Readonly<Record<string, string>>
    body: string
    signal: AbortSignal
  }): Promise<Answer>
}

/** Keeps secrets unreadable where they are kept. `context` must be the same to open what was sealed. */
export interface Seal {
  seal(text: string, context: string): string
  /** Throws a `conflict` problem when the key is another. */
  open(sealed: string, context: string): string
}
