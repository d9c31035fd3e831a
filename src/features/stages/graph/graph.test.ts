import { describe, expect, test } from 'vitest'
import type { Out } from '#data'
import { dependents, graphOf, inOrder } from './graph.ts'
import type { Stage } from '../stage.ts'

/** `name: reads -> writes`, for example `train: data/prepared -> model`. */
function stages(...lines: string[]): Stage[] {
  return lines.map((line) => {
    const [name = '', rest = ''] = line.split(':')
    const [reads = '', writes = ''] = rest.split('->')
    const paths = (text: string) =>
      text
        .trim()
        .split(/\s+/)
        .filter((path) => path !== '' && path !== 'frozen')
    return {
      address: name,
      name,
      file: 'dvc.yaml',
      wdir: '',
      cmd: 'true',
      deps: paths(reads).map((path) => ({ path, written: path })),
      params: [],
      outs: paths(writes).map((path) => ({
        path,
        written: path,
        kind: 'out',
        cached: true,
        persist: false,
        push: true,
        remote: undefined,
      })),
      frozen: reads.includes('frozen'),
      alwaysChanged: false,
      description: undefined,
      timeoutMs: undefined,
    }
  })
}

function tracked(path: string): Out {
  const owner = { kind: 'tracked', file: `${path}.dvc`, frozen: false, imported: false } as const
  return { path, owner, content: undefined, cached: true, push: true, remote: undefined }
}

const order = (all: Stage[], targets: string[] = [], data: Out[] = []) =>
  inOrder(graphOf(all, data), targets).map(({ name }) => name)

describe('stages come', () => {
  test('after all that they need, and otherwise as they are written', () => {
    expect(order(stages('c: b -> c', 'x: -> x', 'b: a -> b', 'a: -> a'))).toEqual([
      'a',
      'b',
      'c',
      'x',
    ])
  })

  test('after stages that write a part of what they read, or all around it', () => {
    expect(
      order(stages('reads: out/part whole -> r', 'all: -> out', 'part: -> whole/part')),
    ).toEqual(['all', 'part', 'reads'])
  })

  test('after the data that they read', () => {
    const data = [tracked('data'), tracked('other')]
    const all = stages('train: data/a -> model')
    expect(order(all, [], data)).toEqual(['data.dvc', 'other.dvc', 'train'])
    expect(order(all, ['train'], data)).toEqual(['data.dvc', 'train'])
  })

  test('without what a frozen stage would need', () => {
    expect(order(stages('a: -> a', 'b: frozen a -> b', 'c: b -> c'), ['c'])).toEqual(['b', 'c'])
  })

  test('with nothing but the targets and what they need', () => {
    expect(order(stages('a: -> a', 'b: a -> b', 'c: a -> c', 'd: b c -> d'), ['b'])).toEqual([
      'a',
      'b',
    ])
  })
})

test('a failure reaches all that need the stage, however far', () => {
  const graph = graphOf(stages('a: -> a', 'b: a -> b', 'c: b -> c', 'd: -> d'), [])
  expect([...dependents(graph, 'a')].toSorted()).toEqual(['b', 'c'])
})

describe('a graph is refused', () => {
  const cases: [string, Stage[], RegExp][] = [
    [
      'where two stages write the same path',
      stages('a: -> x', 'b: -> x'),
      /x is written by a and by b/,
    ],
    [
      'where an output lies inside another, with a like name between them',
      stages('a: -> x', 'b: -> x-y', 'c: -> x/y'),
      /x\/y of c lies inside x of a/,
    ],
    [
      'where stages need each other',
      stages('a: c -> a', 'b: a -> b', 'c: b -> c'),
      /a -> c -> b -> a/,
    ],
    ['where a stage reads what it writes', stages('a: x -> x'), /a reads x and writes it/],
  ]
  test.each(cases)('%s', (_name, all, words) => {
    expect(() => graphOf(all, [])).toThrow(words)
  })

  test('where a stage writes what is tracked as data', () => {
    expect(() => graphOf(stages('a: -> data/x'), [tracked('data')])).toThrow(
      /data\/x of a lies inside data of data\.dvc/,
    )
  })
})
