import { Problem } from '#base/problem'
import type { PreviewWire } from '#protocols/api/retention-wire'

/** What people call the kinds of things on the command line. */
export const WORDS = {
  run: 'run',
  experiment: 'experiment',
  model: 'registered-model',
  version: 'model-version',
  'logged-model': 'logged-model',
} as const

export type Word = keyof typeof WORDS

export const KIND_WORDS = Object.keys(WORDS) as Word[]

export interface ThingNamed {
  kind: (typeof WORDS)[Word]
  id: string
}

export function thingsOf(word: Word, ids: readonly string[]): ThingNamed[] {
  return ids.map((id) => ({ kind: WORDS[word], id: idOf(word, id) }))
}

/** The API writes a version as `model/3`; fingers write `model:3` as well. */
function idOf(word: Word, id: string): string {
  return word === 'version' ? id.replace(/:(\d+)$/, '/$1') : id
}

/** Bytes as people read them. */
export function sizeOf(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  const size = bytes / 1024 ** power
  return `${power === 0 ? size : size.toFixed(1)} ${units[power]}`
}

/** What a deletion means, thing by thing, as lines. */
export function previewLines({ things, freedObjects, freedBytes }: PreviewWire): string[] {
  const lines = things.flatMap(({ kind, id, name, rows, files, bytes, obstacles, state }) => {
    const called = name === '' || name === id ? '' : ` (${name})`
    const count = Object.values(rows).reduce((sum, each) => sum + each, 0)
    return [
      `${kind} ${id}${called}${state === 'deleted' ? ', in the trash' : ''}: ${count} rows, ${files} files, ${sizeOf(bytes)}`,
      ...obstacles.map(({ blocks, why, todo }) => `  ${MARKS[blocks]}${why}: ${todo}`),
    ]
  })
  return [...lines, `Purging frees ${sizeOf(freedBytes)} in ${freedObjects} objects.`]
}

const MARKS = {
  delete: 'cannot be deleted: ',
  purge: 'stays in the trash: ',
  nothing: 'note: ',
}

/** Throws unless whoever asks has seen, or does not want to see, what it means. */
export function assertMeant(yes: boolean, what: string): void {
  if (!yes) throw new Problem('invalid', `${what}; look with --preview, then say --yes`)
}
