import { Type } from 'typebox'
import { Problem } from '#base/problem'
import type { Evaluation, ScorerVersion } from '#evaluation'
import type { Actor } from '#ledger'
import type { MlflowApp } from './app.ts'
import { Int, Text } from './messages.ts'

const path = '/mlflow/scorers'
const Named = { experiment_id: Text, name: Text }
const Versioned = Type.Object({ ...Named, version: Type.Optional(Int) })

export interface EvaluationParts {
  readonly evaluation: Evaluation
  readonly actor: Actor
}

/** Scorers of experiments: what clients wrote is kept and given back, and never run here. */
export function scorerRoutes(app: MlflowApp, { evaluation: { scorers }, actor }: EvaluationParts) {
  app.post(
    `${path}/register`,
    { schema: { body: Type.Object({ ...Named, serialized_scorer: Text }) } },
    async ({ body }) => {
      checkSerialized(body.serialized_scorer)
      const scorer = await scorers.register(actor, {
        experimentId: body.experiment_id,
        name: body.name,
        serialized: body.serialized_scorer,
      })
      return {
        version: scorer.version,
        scorer_id: scorer.scorerId,
        experiment_id: scorer.experimentId,
        name: scorer.name,
        serialized_scorer: scorer.serialized,
        creation_time: scorer.createdMs,
      }
    },
  )
  const List = Type.Object({
    experiment_id: Type.Optional(Type.String()),
    experiment_ids: Type.Optional(Type.Array(Type.String())),
  })
  app.get(`${path}/list`, { schema: { querystring: List } }, async ({ query }) => {
    const { experiment_id: one, experiment_ids: some } = query
    if (one !== undefined && some !== undefined)
      throw new Problem(
        'invalid',
        "Cannot specify both 'experiment_id' and 'experiment_ids'; give one of them",
      )
    return listed(await scorers.list(one === undefined ? (some ?? 'all') : [one]))
  })
  app.get(`${path}/versions`, { schema: { querystring: Type.Object(Named) } }, async ({ query }) =>
    listed(await scorers.versions(query.experiment_id, query.name)),
  )
  app.get(`${path}/get`, { schema: { querystring: Versioned } }, async ({ query }) => ({
    scorer: scorerToWire(await scorers.get(query.experiment_id, query.name, query.version)),
  }))
  // Scoring what comes in is a gateway's work, and there is none: clients ask about it whenever they list.
  app.get(`${path}/online-configs`, async () => ({ configs: [] }))
  app.put(`${path}/online-config`, async () => {
    throw new Problem(
      'unsupported',
      'this server does not score traces as they come in; run mlflow.genai.evaluate over them',
    )
  })
  app.delete(`${path}/delete`, { schema: { body: Versioned } }, async ({ body }) => {
    await scorers.delete(actor, body.experiment_id, body.name, body.version)
    return {}
  })
}

/** What is no JSON is no scorer, and one that carries code is refused as MLflow's server does. */
function checkSerialized(text: string): void {
  let scorer: unknown
  try {
    scorer = JSON.parse(text)
  } catch {
    throw new Problem('invalid', 'serialized_scorer must be valid JSON; send what the client made')
  }
  if (carriesCode(scorer))
    throw new Problem(
      'invalid',
      'Custom scorers made with the @scorer decorator carry code and cannot be registered on a server; use a built-in scorer or make_judge',
    )
}

/** Whether it holds the source of a function at any depth; client and server bound the depth by the body's size alone. */
function carriesCode(scorer: unknown): boolean {
  const open: unknown[] = [scorer]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next !== 'object' || next === null) continue
    const fields = next as Record<string, unknown>
    if (typeof fields['call_source'] === 'string' && fields['call_source'] !== '') return true
    open.push(...Object.values(fields).filter((each) => each !== undefined))
  }
  return false
}

function listed(scorers: readonly ScorerVersion[]) {
  return scorers.length === 0 ? {} : { scorers: scorers.map(scorerToWire) }
}

function scorerToWire(scorer: ScorerVersion) {
  return {
    experiment_id: Number(scorer.experimentId),
    scorer_name: scorer.name,
    scorer_version: scorer.version,
    serialized_scorer: scorer.serialized,
    creation_time: scorer.createdMs,
    scorer_id: scorer.scorerId,
  }
}
