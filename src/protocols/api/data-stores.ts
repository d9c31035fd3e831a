import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { DataStore, DataStores, StoreToken } from '#datastores'
import type { Actor } from '#ledger'
import type { DataStoreWire, StoreTokenWire } from './data-stores-wire.ts'

const name = Type.String({
  description: 'Of 1 to 63 lower-case letters, digits, dots, underscores and hyphens.',
  maxLength: 63,
})
const quotaBytes = Type.Union(
  [Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Type.Null()],
  { description: 'What its objects may have together; null without a limit.' },
)
const NewBody = Type.Object(
  {
    name,
    access: Type.Optional(
      Type.Union([Type.Literal('tokens'), Type.Literal('open')], {
        default: 'tokens',
        description: '`open` lets callers on the server’s own machine in without a token.',
      }),
    ),
    quotaBytes: Type.Optional(quotaBytes),
  },
  { additionalProperties: false },
)
const QuotaBody = Type.Object({ quotaBytes }, { additionalProperties: false })
const TokenBody = Type.Object(
  {
    name: Type.String({ description: 'Whose it is, or what it is for.', maxLength: 100 }),
    access: Type.Union([Type.Literal('read'), Type.Literal('write')]),
  },
  { additionalProperties: false },
)
const Store = Type.Object({ store: Type.String() })
const Token = Type.Object({ store: Type.String(), token: Type.String() })
const ListQuery = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
  after: Type.Optional(Type.String({ description: 'What `next` of the page before said.' })),
})
type InStore = { Params: Static<typeof Store> }

/** Places for data that DVC uses as remotes: making them, their tokens and quotas. Their objects are spoken of elsewhere. */
export function dataStoreRoutes(app: FastifyInstance, stores: DataStores, actor: Actor): void {
  app.post<{ Body: Static<typeof NewBody> }>(
    '/data-stores',
    { schema: { summary: 'Make a data store, which DVC uses as a remote', body: NewBody } },
    async ({ body }, reply) => {
      const { access = 'tokens', quotaBytes: quota = null } = body
      const store = await stores.create(actor, { name: body.name, access, quotaBytes: quota })
      return reply.code(201).send(storeToWire(store))
    },
  )
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/data-stores',
    { schema: { summary: 'List data stores by name', querystring: ListQuery } },
    async ({ query }) => {
      const page = await stores.list(query)
      return {
        dataStores: page.map(storeToWire),
        next: page.length === query.limit ? (page.at(-1)?.name ?? null) : null,
      }
    },
  )
  app.get<InStore>(
    '/data-stores/:store',
    { schema: { summary: 'Show a data store and what it uses', params: Store } },
    async ({ params }) => storeToWire(await stores.get(params.store)),
  )
  app.put<InStore & { Body: Static<typeof QuotaBody> }>(
    '/data-stores/:store/quota',
    {
      schema: {
        summary: 'Change how many bytes a data store may have',
        params: Store,
        body: QuotaBody,
      },
    },
    async ({ params, body }) =>
      storeToWire(await stores.setQuota(actor, params.store, body.quotaBytes)),
  )
  app.delete<InStore>(
    '/data-stores/:store',
    { schema: { summary: 'Delete a data store with its objects and tokens', params: Store } },
    async ({ params }, reply) => {
      await stores.delete(actor, params.store)
      return reply.code(204).send()
    },
  )
  tokenRoutes(app, stores, actor)
}

function tokenRoutes(app: FastifyInstance, stores: DataStores, actor: Actor): void {
  app.post<InStore & { Body: Static<typeof TokenBody> }>(
    '/data-stores/:store/tokens',
    {
      schema: {
        summary: 'Make a token for a data store; the answer has its secret, once',
        params: Store,
        body: TokenBody,
      },
    },
    async ({ params, body }, reply) => {
      const { token, secret } = await stores.makeToken(actor, params.store, body)
      return reply.code(201).send({ ...tokenToWire(token), secret })
    },
  )
  app.get<InStore>(
    '/data-stores/:store/tokens',
    {
      schema: { summary: 'List the tokens of a data store, without their secrets', params: Store },
    },
    async ({ params }) => ({ tokens: (await stores.tokens(params.store)).map(tokenToWire) }),
  )
  app.delete<{ Params: Static<typeof Token> }>(
    '/data-stores/:store/tokens/:token',
    { schema: { summary: 'Revoke a token of a data store', params: Token } },
    async ({ params }, reply) => {
      await stores.revokeToken(actor, params.store, params.token)
      return reply.code(204).send()
    },
  )
}

function storeToWire(store: DataStore): DataStoreWire {
  const { id, name: called, access, usedBytes, objects } = store
  return {
    id,
    name: called,
    path: `/dvc/${called}`,
    access,
    quotaBytes: store.quotaBytes,
    usedBytes,
    objects,
    created: new Date(store.createdMs).toISOString(),
  }
}

function tokenToWire({ id, name: called, access, createdMs }: StoreToken): StoreTokenWire {
  return { id, name: called, access, created: new Date(createdMs).toISOString() }
}
