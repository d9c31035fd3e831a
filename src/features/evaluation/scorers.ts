import { Problem } from '#base/problem'
import type { Actor } from '#ledger'
import type { EvaluationDependencies } from './datasets.ts'
import * as facts from './facts.ts'
import { checkedScorerName, scorerNotFound, type ScorerVersion } from './scorer.ts'

export interface Scorers {
  register(
    actor: Actor,
    scorer: { experimentId: string; name: string; serialized: string },
  ): Promise<ScorerVersion>
  /** The newest version of each scorer, by experiment and name. */
  list(experimentIds: readonly string[] | 'all'): Promise<ScorerVersion[]>
  /** All versions, oldest first. Throws `not-found`. */
  versions(experimentId: string, name: string): Promise<ScorerVersion[]>
  /** The newest version unless one is named. Throws `not-found`. */
  get(experimentId: string, name: string, version?: number): Promise<ScorerVersion>
  /** All versions unless one is named. Throws `not-found`. */
  delete(actor: Actor, experimentId: string, name: string, version?: number): Promise<void>
}

export function createScorers({
  read,
  transact,
  tracking,
  clock,
  ids,
}: EvaluationDependencies): Scorers {
  const activeExperiment = async (experimentId: string) => {
    const { lifecycle } = await tracking.experiments.get(experimentId)
    if (lifecycle !== 'active')
      throw new Problem(
        'conflict',
        `The experiment ${experimentId} must be in the 'active' state; restore it first`,
      )
  }
  const versionsOf = async (experimentId: string, name: string) => {
    await activeExperiment(experimentId)
    const versions = await read.scorerVersions(experimentId, name)
    if (versions.length === 0) throw scorerNotFound(experimentId, name)
    return versions
  }
  const get = async (experimentId: string, name: string, version?: number) => {
    const versions = await versionsOf(experimentId, name)
    const found =
      version === undefined ? versions.at(-1) : versions.find((each) => each.version === version)
    if (found === undefined) throw scorerNotFound(experimentId, name, version)
    return found
  }

  return {
    register: async (actor, { experimentId, name, serialized }) => {
      checkedScorerName(name)
      await activeExperiment(experimentId)
      return transact(async ({ evaluation, ledger }) => {
        const last = (await evaluation.scorerVersions(experimentId, name)).at(-1)
        const scorer: ScorerVersion = {
          experimentId,
          name,
          scorerId: last?.scorerId ?? ids.hex32(),
          version: (last?.version ?? 0) + 1,
          serialized,
          createdMs: clock.nowMs(),
        }
        await evaluation.insertScorer(scorer)
        await ledger.append(actor, [facts.scorerRegistered(scorer)])
        return scorer
      })
    },
    list: async (experimentIds) => {
      if (experimentIds !== 'all') for (const each of experimentIds) await activeExperiment(each)
      return read.newestScorers(experimentIds)
    },
    versions: versionsOf,
    get,
    delete: async (actor, experimentId, name, version) => {
      await get(experimentId, name, version)
      await transact(async ({ evaluation, ledger }) => {
        await evaluation.deleteScorer(experimentId, name, version)
        await ledger.append(actor, [facts.scorerDeleted(experimentId, name, version ?? null)])
      })
    },
  }
}
