import type { FastifyInstance } from 'fastify'
import { Type, type Static } from 'typebox'
import type { Policies, PolicyRunReads, ShownDecision } from '#automation'
import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import {
  decisionToWire,
  policyRunToWire,
  policyToWire,
  previewToWire,
  timeOf,
  type DecisionsPage,
  type PoliciesPage,
  type TicksShown,
} from './policy-wire.ts'

export interface PolicyParts {
  readonly policies: Policies
  readonly policyRuns: PolicyRunReads
  readonly actor: Actor
}

const limit = Type.Integer({ minimum: 1, maximum: 200, default: 50 })
const name = Type.Optional(Type.String({ maxLength: 200 }))
const State = Type.Union(
  (['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const).map((each) =>
    Type.Literal(each),
  ),
)
const RunsQuery = Type.Object({
  limit,
  before: name,
  project: name,
  policy: name,
  state: Type.Optional(State),
})
const ListQuery = Type.Object({
  limit,
  after: name,
  project: name,
  endpoint: Type.Optional(
    Type.String({ maxLength: 200, description: 'Only those that wait for findings there.' }),
  ),
})
const DecisionsQuery = Type.Object({
  limit,
  before: Type.Optional(Type.Integer({ minimum: 0 })),
  project: name,
  policy: name,
})
const ComingQuery = Type.Object({ limit, project: name, policy: name })
const Named = Type.Object({ project: Type.String(), policy: Type.String() })
const TriggerBody = Type.Object(
  {
    reason: Type.Optional(Type.String({ maxLength: 1000, description: 'Why, for the ledger.' })),
    set: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), {
        maxItems: 100,
        description: 'Changes of params, as -S takes them; after those of the policy.',
      }),
    ),
    rev: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 250,
        description: 'A branch, a tag or a commit; the newest commit of the project without it.',
      }),
    ),
    key: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        description: 'Two calls with one key are one call.',
      }),
    ),
  },
  { additionalProperties: false },
)
const TestBody = Type.Object(
  { at: Type.Optional(Type.String({ maxLength: 100, description: 'When; now without it.' })) },
  { additionalProperties: false },
)
const CancelBody = Type.Object(
  { reason: Type.Optional(Type.String({ maxLength: 1000 })) },
  { additionalProperties: false },
)

/** What policies are, what they decided and did, what they would do, and how to set them off. */
export function policyRoutes(app: FastifyInstance, parts: PolicyParts): void {
  listRoutes(app, parts)
  const { policies, policyRuns, actor } = parts
  app.get<{ Params: Static<typeof Named> }>(
    '/policies/:project/:policy',
    { schema: { summary: 'Show a policy and how it stands', params: Named } },
    async ({ params }) => policyToWire(await policies.get(params.project, params.policy)),
  )
  app.post<{ Params: Static<typeof Named>; Body: Static<typeof TestBody> }>(
    '/policies/:project/:policy/test',
    {
      schema: {
        summary: 'Say what each trigger of a policy would do at a time, and why; changes nothing',
        params: Named,
        body: TestBody,
      },
    },
    async ({ params, body }) => {
      const atMs = body.at === undefined ? undefined : Date.parse(body.at)
      if (atMs !== undefined && !Number.isFinite(atMs))
        throw new Problem('invalid', `${body.at} is no time; write it as 2026-03-29T02:00:00Z`)
      const previews = await policies.preview(params.project, params.policy, atMs)
      return { previews: previews.map(previewToWire) }
    },
  )
  app.post<{ Params: Static<typeof Named>; Body: Static<typeof TriggerBody> }>(
    '/policies/:project/:policy/trigger',
    {
      schema: {
        summary: 'Set a policy off, and tell what it decided',
        params: Named,
        body: TriggerBody,
      },
    },
    async ({ params, body }) => {
      const { reason = null, set = [], rev = null, key = null } = body
      const decision = await policies.trigger(actor, {
        ...params,
        reason,
        set,
        rev,
        key,
      })
      return withRun(policyRuns)(decision)
    },
  )
  app.post<{ Params: { id: string }; Body: Static<typeof CancelBody> }>(
    '/policy-runs/:id/cancel',
    {
      schema: {
        summary: 'End a run of a policy that runs or waits',
        params: Type.Object({ id: Type.String() }),
        body: CancelBody,
      },
    },
    async ({ params, body }) =>
      policyRunToWire(await policies.cancel(actor, params.id, body.reason ?? null)),
  )
}

function listRoutes(app: FastifyInstance, { policies, policyRuns }: PolicyParts): void {
  app.get<{ Querystring: Static<typeof ListQuery> }>(
    '/policies',
    { schema: { summary: 'List policies by project and name', querystring: ListQuery } },
    async ({ query }): Promise<PoliciesPage> => {
      const page = await policies.list(query)
      const last = page.at(-1)
      return {
        policies: page.map(policyToWire),
        next:
          last !== undefined && page.length === query.limit ? `${last.project}/${last.name}` : null,
      }
    },
  )
  app.get<{ Querystring: Static<typeof RunsQuery> }>(
    '/policy-runs',
    {
      schema: { summary: 'List what the policies did, newest first', querystring: RunsQuery },
    },
    async ({ query }) => {
      const page = await policyRuns.list(query)
      return {
        policyRuns: page.map(policyRunToWire),
        next: page.length === query.limit ? (page.at(-1)?.id ?? null) : null,
      }
    },
  )
  app.get<{ Querystring: Static<typeof DecisionsQuery> }>(
    '/policy-decisions',
    {
      schema: {
        summary: 'List what policies decided and why, newest first',
        querystring: DecisionsQuery,
      },
    },
    async ({ query }): Promise<DecisionsPage> => {
      const { decisions, next } = await policies.decisions(query)
      return { decisions: await Promise.all(decisions.map(withRun(policyRuns))), next }
    },
  )
  app.get<{ Querystring: Static<typeof ComingQuery> }>(
    '/policy-ticks',
    { schema: { summary: 'List the coming ticks of schedules', querystring: ComingQuery } },
    async ({ query }): Promise<TicksShown> => ({
      ticks: (await policies.coming(query)).map(({ project, policy, schedule, atMs }) => ({
        project,
        policy,
        cron: schedule.cron,
        timezone: schedule.timezone,
        at: timeOf(atMs),
      })),
    }),
  )
}

function withRun(runs: Pick<PolicyRunReads, 'find'>) {
  return async (decision: ShownDecision) => {
    const { policyRun } = decision
    return decisionToWire(decision, policyRun === null ? undefined : await runs.find(policyRun))
  }
}
