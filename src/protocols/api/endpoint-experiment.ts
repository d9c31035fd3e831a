import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Experiments, Standing } from '#rollouts'
import type { ExperimentShown } from './endpoint-wire.ts'

/** How traffic is divided by what revisions earn. */
export function endpointExperimentRoutes(
  app: FastifyInstance,
  { experiments }: { experiments: Pick<Experiments, 'standing'> },
): void {
  app.get<{ Params: { endpoint: string } }>(
    '/endpoints/:endpoint/experiment',
    {
      schema: {
        summary: 'Show what the revisions of an experiment have earned; null without one',
        params: Type.Object({ endpoint: Type.String() }),
      },
    },
    async ({ params }) => {
      const standing = await experiments.standing(params.endpoint)
      return { experiment: standing === null ? null : standingToWire(standing) }
    },
  )
}

function standingToWire({ plan, sinceMs, arms }: Standing): ExperimentShown {
  return {
    by: plan.by,
    reward: plan.reward,
    epsilon: plan.epsilon,
    since: new Date(sinceMs).toISOString(),
    arms: arms.map(({ revision, modelVersion, share, rewards, mean, best }) => ({
      revision,
      modelVersion,
      share,
      rewards,
      mean,
      best,
    })),
  }
}
