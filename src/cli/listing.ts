import { posix } from 'node:path'
import type { Argv } from 'yargs'
import { Problem } from '#base/problem'

/** Flags of what lists files: how deep, and how it is shown. */
export function listingFlags<T>(argv: Argv<T>) {
  return argv
    .option('recursive', {
      alias: 'R',
      type: 'boolean',
      default: false,
      describe: 'With what lies in folders',
    })
    .option('tree', { alias: 'T', type: 'boolean', default: false, describe: 'Draw it as a tree' })
    .option('level', {
      alias: 'L',
      type: 'number',
      describe: 'With -R or --tree, so many folders deep; 0 is the folder itself',
    })
    .option('size', { type: 'boolean', default: false, describe: 'Show sizes' })
}

/** How deep the flags mean; as in dvc a level alone means nothing. */
export function levelOf(flags: {
  recursive: boolean
  tree: boolean
  level?: number | undefined
  json?: boolean
}): number {
  const { recursive, tree, level = Infinity, json } = flags
  if (tree && json === true)
    throw new Problem('invalid', '--tree draws for people and --json writes for programs; give one')
  if (level !== Infinity && !(Number.isInteger(level) && level >= 0))
    throw new Problem('invalid', `--level takes a whole number from 0, and this is ${level}`)
  return recursive || tree ? level : 1
}

/** The rows below `top` in the order of a tree, with the lines of one before their names. */
export function drawn<Row extends { readonly path: string }>(
  top: Row,
  rows: readonly Row[],
): Row[] {
  const inside = Map.groupBy(rows, ({ path }) => posix.dirname(path))
  const lines: Row[] = [top]
  const draw = (folder: string, before: string) => {
    const each = (inside.get(folder) ?? []).toSorted(byPath)
    for (const row of each) {
      const [edge, line] = row === each.at(-1) ? ['└── ', '    '] : ['├── ', '│   ']
      lines.push({ ...row, path: `${before}${edge}${posix.basename(row.path)}` })
      draw(row.path, `${before}${line}`)
    }
  }
  draw('.', '')
  return lines
}

function byPath(one: { readonly path: string }, other: { readonly path: string }): number {
  return one.path < other.path ? -1 : 1
}
