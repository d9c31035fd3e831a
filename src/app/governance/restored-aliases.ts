import { aliasIn, type Revision } from '#inference'
import type { Entry, Follower } from '#ledger'
import type { Registry } from '#registry'
import type { Writes } from '#stores/sql/index'

/**
 * Puts an alias back to the version that answers when the one that it was moved to is given up: a guard rolled it back,
 * or a person did. Whoever has moved it meanwhile, or serves the version elsewhere, is left alone.
 */
export function restoreAliases({ registry }: { registry: Registry }): Follower<Writes> {
  return {
    name: 'restored-aliases',
    types: ['rollout-rolled-back', 'rollout-aborted', 'rollout-undone'],
    follow: async (entry, tx) => {
      const back = await moveBack(entry, tx)
      if (back === undefined) return
      const { reason, ...move } = back
      await registry.moveAlias(tx, { kind: 'platform', id: 'rollouts', reason }, move)
    },
  }
}

async function moveBack({ type, data }: Entry, { serving, registry }: Writes) {
  const endpoint = await serving.find(data['endpoint'] as string)
  const named = endpoint === undefined ? undefined : aliasIn(endpoint.model)
  if (endpoint === undefined || named === undefined) return undefined
  const { model, alias } = named
  const kept = await serving.findRevision(endpoint.name, Number(data['from']))
  const gone = await serving.findRevision(endpoint.name, Number(data['to']))
  // It may have been tried again since, and answer by now.
  if (endpoint.live?.number !== kept?.number) return undefined
  if (kept?.model !== model || gone?.model !== model || kept.version === gone.version)
    return undefined
  const now = (await registry.findModel(model))?.aliases.find((each) => each.alias === alias)
  if (now?.version !== gone.version) return undefined
  if ((await registry.findVersion(model, kept.version)) === undefined) return undefined
  const all = await serving.list()
  const isWanted = all.some(
    (other) =>
      other.name !== endpoint.name && other.model === endpoint.model && isLive(other, gone),
  )
  if (isWanted) return undefined
  const why = typeof data['reason'] === 'string' ? `: ${data['reason']}` : ''
  return {
    model,
    alias,
    version: kept.version,
    reason:
      `version ${gone.version} was ${ENDS[type] ?? 'given up'} at ${endpoint.name}${why}`.slice(
        0,
        REASON_CHARS_MAX,
      ),
  }
}

const REASON_CHARS_MAX = 1000

const ENDS: Readonly<Record<string, string>> = {
  'rollout-rolled-back': 'rolled back',
  'rollout-aborted': 'aborted',
  'rollout-undone': 'taken back',
}

function isLive({ live }: { live: Revision | null }, { model, version }: Revision): boolean {
  return live?.model === model && live.version === version
}
