import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { Actor } from '#ledger'
import type { Registry } from '#registry'
import type { Tracking } from '#tracking'

/** A part of the HTTP server whose handlers see what their schemas say. */
export type MlflowApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** What the protocol speaks to. */
export interface MlflowParts {
  readonly tracking: Tracking
  readonly registry: Registry
  /** Whether clients may send artifacts to the server and get them from it. */
  readonly servesArtifacts?: boolean
  /** Who makes the requests. */
  readonly actor: Actor
}
