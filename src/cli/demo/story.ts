import type { ApiClient } from '../client.ts'

/** A ledger entry as the REST API shows it. */
export interface ToldEntry {
  readonly position: number
  readonly type: string
  readonly event: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/** Tells what the loop did, as it does it, from the ledger alone. */
export interface Storyteller {
  /** Tells of the entries that are new since the last call. */
  catchUp(): Promise<void>
  /** Everything told or passed over so far. */
  readonly entries: readonly ToldEntry[]
}

const PAGE = 1000

export function createStoryteller(api: ApiClient, say: (line: string) => void): Storyteller {
  const entries: ToldEntry[] = []
  return {
    entries,
    catchUp: async () => {
      const last = entries.at(-1)?.position ?? -1
      const fresh: ToldEntry[] = []
      for (let before: number | undefined; ;) {
        const page = await api.get<{ entries: ToldEntry[]; next: number | null }>(
          '/ledger/entries',
          {
            limit: PAGE,
            before,
          },
        )
        fresh.push(...page.entries.filter((entry) => entry.position > last))
        if (page.next === null || (page.entries.at(-1)?.position ?? 0) <= last) break
        before = page.next
      }
      for (const entry of fresh.toReversed()) {
        entries.push(entry)
        const words = wordsOf(entry)
        if (words !== undefined)
          say(`  ${entry.event === null ? '          ' : entry.event.slice(0, 10)}  ${words}`)
      }
    },
  }
}

/** One line for what a reader of the story wants to know; nothing for the rest. */
function wordsOf({ type, data }: ToldEntry): string | undefined {
  const text = (key: string) => String(data[key])
  switch (type) {
    case 'dataset-version-added':
      return `data      ${text('path')} is now ${text('md5').slice(0, 8)} (${text('files')} files)`
    case 'model-version-registered':
      return `registry  ${text('model')} version ${text('version')} registered`
    case 'check-finished':
      return `check     ${data['passed'] === true ? 'passed' : 'FAILED'}: ${text('reason')}`
    case 'promotion-accepted':
      return `promoted  ${text('model')} version ${text('version')} is @${text('alias')}`
    case 'promotion-refused':
      return `refused   ${text('model')} version ${text('version')} stays out: ${(data['reasons'] as string[]).join('; ')}`
    case 'rollout-completed':
      return `rollout   ${text('endpoint')} answers with ${text('modelVersion')}`
    case 'alert-raised':
      return `alert     ${text('kind')} on ${text('endpoint')}: ${text('detail')}`
    case 'alert-cleared':
      return `cleared   ${text('kind')} on ${text('endpoint')}`
    case 'policy-fired':
      return `policy    ${text('policy')} fires on ${text('causeType')}`
    case 'policy-run-finished':
      return data['outcome'] === 'failed'
        ? `policy    ${text('policy')} failed: ${text('reason')}`
        : undefined
    default:
      return undefined
  }
}
