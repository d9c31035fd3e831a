import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { printTree, readTree } from './tree.ts'
import { treeReader } from './tree-stream.ts'

/** What the reader finds when the bytes come in pieces of that size; undefined when it refuses. */
function found(bytes: Buffer, piece: number): string[] | undefined {
  const reader = treeReader()
  const md5s: string[] = []
  try {
    for (let from = 0; from < bytes.length; from += piece)
      md5s.push(...reader.take(bytes.subarray(from, from + piece)))
    reader.end()
    return md5s
  } catch {
    return undefined
  }
}

const md5 = fc.stringMatching(/^[0-9a-f]{32}$/)

test('a list is read the same in pieces of any size, whatever its paths are', () => {
  const entries = fc.array(fc.record({ md5, path: fc.string({ unit: 'binary', maxLength: 20 }) }), {
    maxLength: 5,
  })
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 50 }), (list, piece) => {
      const bytes = Buffer.from(printTree(list))
      const expected = JSON.parse(bytes.toString()) as { md5: string }[]
      expect(found(bytes, piece)).toEqual(expected.map((each) => each.md5))
    }),
  )
})

test('what is no list is refused, as it is when it is read at once', () => {
  const one = `{"md5": "${'a'.repeat(32)}", "relpath": "x"}`
  const bad = ['', '{}', '[', `[${one}`, one, `[${one} ${one}]`, `[${one},]`, `[,${one}]`]
  const worse = [`[${one}]]`, `[${one}]x`, '["a"]', '[{"md5": 1}]', '[[]]', `[{"x": ${one}}]`]
  for (const text of [...bad, ...worse, `[${'{'.repeat(70_000)}]`])
    for (const piece of [1, 7, 1000]) {
      expect([text.slice(0, 60), found(Buffer.from(text), piece)]).toEqual([
        text.slice(0, 60),
        undefined,
      ])
      expect(readTree(text)).toBeUndefined()
    }
  expect(found(Buffer.from(` [\n${one} ,\t${one}\r\n] `), 3)).toHaveLength(2)
  expect(found(Buffer.from('[]'), 1)).toEqual([])
})
