import { Problem } from '#base/problem'
import type { PreviewWire, TrashItemWire } from '#protocols/api/retention-wire'
import { apiClient, serverUrl, type ApiClient } from '../client.ts'
import { command } from '../command.ts'
import {
  assertMeant,
  KIND_WORDS,
  previewLines,
  sizeOf,
  thingsOf,
  WORDS,
  type Word,
} from '../retention.ts'
import { remoteFlags } from './project.ts'

interface TrashPage {
  items: TrashItemWire[]
  next: number | null
}

interface Purged {
  asked: number[]
  held: { item: number; obstacles: { why: string; todo: string }[] }[]
}

export const trash = command({
  command: 'trash <action> [kind] [ids..]',
  describe: 'List, restore or empty the trash: trash restore run ID',
  builder: (argv) =>
    remoteFlags(argv)
      .positional('action', {
        choices: ['list', 'restore', 'empty'] as const,
        demandOption: true,
      })
      .positional('kind', { choices: KIND_WORDS, describe: 'Kind of the ids that follow' })
      .positional('ids', { type: 'string', array: true, default: [] as string[] })
      .option('limit', { type: 'number', default: 50, describe: 'Items on a page' })
      .option('before', {
        type: 'number',
        describe: 'The number that the page before ended with',
      })
      .option('preview', {
        type: 'boolean',
        default: false,
        describe: 'Tell what emptying frees and what holds it; purge nothing',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'Purge for good' }),
  handler: async (flags) => {
    const api = apiClient(await serverUrl(flags))
    const shown = await act(api, flags)
    process.stdout.write(
      flags.json === true ? `${JSON.stringify(shown.json)}\n` : `${shown.lines.join('\n')}\n`,
    )
  },
})

interface Flags {
  action: 'list' | 'restore' | 'empty'
  kind?: Word | undefined
  ids: string[]
  limit: number
  before?: number | undefined
  preview: boolean
  yes: boolean
}

interface Shown {
  json: unknown
  lines: string[]
}

async function act(api: ApiClient, flags: Flags): Promise<Shown> {
  if (flags.action === 'list') return list(api, flags)
  return flags.action === 'restore' ? restore(api, flags) : empty(api, flags)
}

async function list(api: ApiClient, { kind, limit, before }: Flags): Promise<Shown> {
  const page = await api.get<TrashPage>('/trash', {
    limit,
    before,
    kind: kind === undefined ? undefined : WORDS[kind],
  })
  const lines = page.items.map(
    ({ item, kind: of, id, name, deleted, deletedBy, purgeAt, bytes, state }) =>
      [
        String(item).padStart(6),
        of.padEnd(16),
        name === '' || name === id ? id : `${id} (${name})`,
        sizeOf(bytes),
        `deleted ${deleted.slice(0, 16)} by ${deletedBy}`,
        state === 'purging' ? 'being purged' : `purged from ${purgeAt.slice(0, 10)} on`,
      ].join('  '),
  )
  return {
    json: page,
    lines: [
      ...(lines.length === 0 ? ['The trash is empty.'] : lines),
      ...(page.next === null ? [] : [`more: --before ${page.next}`]),
    ],
  }
}

async function restore(api: ApiClient, flags: Flags): Promise<Shown> {
  const items = await itemsNamed(api, flags)
  if (items === 'all')
    throw new Problem('invalid', 'name what to restore: orrery trash restore run ID')
  const answer = await api.post<{
    restored: { kind: string; id: string; aliasesLeft: string[] }[]
  }>('/trash/restore', { items: items.map(({ item }) => item) })
  return {
    json: answer,
    lines: answer.restored.map(
      ({ kind, id, aliasesLeft }) =>
        `${kind} ${id} is restored${aliasesLeft.length === 0 ? '' : `, without the aliases ${aliasesLeft.join(', ')}`}`,
    ),
  }
}

async function empty(api: ApiClient, flags: Flags): Promise<Shown> {
  const items = await itemsNamed(api, flags)
  if (flags.preview) {
    const standing = items === 'all' ? await everything(api) : items
    const things = standing.map(({ kind, id }) => ({ kind, id }))
    if (things.length === 0) return { json: { things }, lines: ['The trash is empty.'] }
    const preview = await api.post<PreviewWire>('/trash/preview', { things })
    return { json: preview, lines: previewLines(preview) }
  }
  assertMeant(
    flags.yes,
    items === 'all'
      ? 'this purges all that is in the trash, for good'
      : `this purges ${items.length} items for good`,
  )
  const answer = await api.post<Purged>('/trash/purge', {
    items: items === 'all' ? 'all' : items.map(({ item }) => item),
  })
  return {
    json: answer,
    lines: [
      `${answer.asked.length} items are being purged`,
      ...answer.held.flatMap(({ item, obstacles }) =>
        obstacles.map(({ why, todo }) => `item ${item} stays: ${why}; ${todo}`),
      ),
    ],
  }
}

/** Preview takes this many at once. */
const PREVIEWED_MAX = 1000

async function everything(api: ApiClient): Promise<TrashItemWire[]> {
  const items: TrashItemWire[] = []
  for (;;) {
    const page = await api.get<TrashPage>('/trash', { limit: 200, before: items.at(-1)?.item })
    items.push(...page.items)
    if (page.next === null || items.length >= PREVIEWED_MAX) return items.slice(0, PREVIEWED_MAX)
  }
}

/** The items that the words name; all of them when there are none. */
async function itemsNamed(
  api: ApiClient,
  { kind, ids }: Pick<Flags, 'kind' | 'ids'>,
): Promise<TrashItemWire[] | 'all'> {
  if (kind === undefined) return 'all'
  if (ids.length === 0)
    throw new Problem(
      'invalid',
      `name the ids after ${kind}; "orrery trash list ${kind}" lists them`,
    )
  const found: TrashItemWire[] = []
  for (const thing of thingsOf(kind, ids)) {
    const page = await api.get<TrashPage>('/trash', { ...thing, limit: 1 })
    const [item] = page.items
    if (item === undefined)
      throw new Problem(
        'not-found',
        `${kind} ${thing.id} is not in the trash; "orrery trash list ${kind}" lists what is`,
      )
    found.push(item)
  }
  return found
}
