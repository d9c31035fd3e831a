import { Problem } from '#base/problem'
import type { Inference, Repository } from '#inference'

function fixed(): Problem {
  return new Problem(
    'unsupported',
    'this server serves what it was started with; start it again with other models, or declare endpoints at an Orrery server',
  )
}

/** What there is was said at the start, and stays. */
export function fixedRepository(inference: Inference): Repository {
  return {
    index: async () =>
      inference.standings().map(({ endpoint, state, reason, revision }) => ({
        name: endpoint,
        version: revision?.version ?? null,
        state,
        reason,
      })),
    load: async (endpoint, { model } = {}) => {
      if (model !== undefined) throw fixed()
      await inference.describe(endpoint)
    },
    unload: async () => {
      throw fixed()
    },
    remove: async () => {
      throw fixed()
    },
  }
}
