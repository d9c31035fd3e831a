import { groupsOf, type Needs } from '#stages'
import { compareCodePoints } from './python.ts'

function quoted(name: string): string {
  return `"${name.replaceAll('"', String.raw`\"`)}"`
}

/** The graph as `dvc dag --dot` prints it. */
export function dotText(needs: Needs): string[] {
  const edges = [...needs].flatMap(([name, needed]) =>
    needed.map((need) => `${quoted(need)} -> ${quoted(name)};`),
  )
  return [
    'strict digraph {',
    ...[...needs.keys()].map((name) => `${quoted(name)};`),
    ...edges,
    '}',
    '',
  ]
}

/** The graph as `dvc dag --mermaid` prints it. */
export function mermaidText(needs: Needs): string[] {
  const lines = ['flowchart TD']
  let count = 0
  for (const group of groupsOf(needs)) {
    const ids = new Map<string, string>()
    for (const name of [...group.keys()].toSorted(compareCodePoints)) {
      count += 1
      ids.set(name, `node${count}`)
      lines.push(`\tnode${count}["${name.replaceAll('"', '#quot;')}"]`)
    }
    const edges = [...group].flatMap(([name, needed]) =>
      needed.map((need) => [need, name] as const),
    )
    edges.sort(
      (one, other) => compareCodePoints(one[0], other[0]) || compareCodePoints(one[1], other[1]),
    )
    for (const [from, to] of edges) lines.push(`\t${ids.get(from)}-->${ids.get(to)}`)
  }
  return lines
}
