import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Content, TreeEntry } from '#data'
import { sameParam, type LockedPath, type ParamMap, type ParamValue, type StageLock } from '#stages'
import { changedConfig, readConfig } from './config.ts'
import { entryOf, readLockFile, withStage } from './lock-file.ts'
import { readRun, runKey, runValue, printRun } from './run-cache.ts'
import { readTrackedFile, printTrackedFile, withContent } from './tracked-file.ts'
import { printTree, readTree } from './tree.ts'
import { setInYaml } from './yaml-edit.ts'
import { readAllYaml, readYaml } from './yaml-read.ts'
import { readSimpleYaml } from './yaml-simple.ts'
import { printYaml } from './yaml-write.ts'

/** DVC writes these in a way that it does not read back itself, and to the byte so do we. */
const ODD_BREAKS = /[\u0085\u2028\u2029]/
const text = fc.oneof(
  fc.string({ maxLength: 10 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((each) => !ODD_BREAKS.test(each)),
  fc.constantFrom(
    '007',
    'true',
    'null',
    '~',
    '2020-01-01',
    '1e5',
    ' x',
    'x ',
    'a: b',
    'a #b',
    '- a',
    'word '.repeat(30).trim(),
    'one\ntwo',
    'x'.repeat(100),
  ),
)
const name = text.filter((each) => each !== '' && each.length < 60 && !each.includes('\n'))
const scalar: fc.Arbitrary<ParamValue> = fc.oneof(
  text,
  fc.double({ noNaN: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.boolean(),
  fc.constant(null),
)
const { value } = fc.letrec<{ value: ParamValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((pairs) => new Map(pairs)),
  ),
}))
const map: fc.Arbitrary<ParamMap> = fc
  .array(fc.tuple(name, value), { maxLength: 4 })
  .map((pairs) => new Map(pairs))
const hex = fc
  .array(fc.integer({ min: 0, max: 15 }), { minLength: 32, maxLength: 32 })
  .map((digits) => digits.map((digit) => digit.toString(16)).join(''))
const content: fc.Arbitrary<Content> = fc.oneof(
  fc.record({ md5: hex, sizeBytes: fc.nat() }),
  fc.record({ md5: hex, sizeBytes: fc.nat(), executable: fc.constant(true) }),
  fc.record({ md5: hex.map((md5) => `${md5}.dir`), sizeBytes: fc.nat(), files: fc.nat() }),
)
const path = name.filter((each) => !each.includes('/') && each !== '.' && each !== '..')
const locked: fc.Arbitrary<LockedPath[]> = fc.uniqueArray(fc.record({ path, content }), {
  maxLength: 3,
  selector: (each) => each.path,
})
const lock: fc.Arbitrary<StageLock> = fc.record({
  cmd: fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
  deps: locked,
  params: fc.array(fc.tuple(name, map), { maxLength: 2 }).map((pairs) => new Map(pairs)),
  outs: locked,
})

/** Order is that of the printed text; what is compared is the rest. */
function sorted(each: StageLock): unknown {
  const byPath = (paths: readonly LockedPath[]) =>
    paths.toSorted((one, other) => (one.path < other.path ? -1 : 1))
  return { cmd: each.cmd, deps: byPath(each.deps), outs: byPath(each.outs) }
}

/** Lines of which some make YAML that somebody could have written, and many make none. */
const roughYaml = fc
  .array(
    fc.tuple(
      fc.constantFrom('', '  ', '    ', '      ', ' '),
      fc.constantFrom('', '- ', '-', '- - ', '-  '),
      fc.constantFrom('', 'a:', 'b: ', 'c:  ', "'d': ", 'e-f:', '1: ', 'a'),
      fc
        .constantFrom('', 'x', 'y z', '1', '1.50', '~', "'q'", "'it''s'", '[a, 1]', '[]', '{}')
        .chain((one) =>
          fc.constantFrom(
            one,
            one,
            '# c',
            'x # c',
            'u: v',
            '&a x',
            '*a',
            '|',
            '>',
            'p:',
            '"t"',
            '[x',
            '-1',
            '--o',
            '?',
            '2020-01-01',
            'http://h/p',
            '${v}',
            '@a',
            '%a',
            '/p/q',
            '.5',
            'true',
            '-',
          ),
        ),
    ),
    { minLength: 1, maxLength: 7 },
  )
  .map((lines) => lines.map((parts) => parts.join('')).join('\n') + '\n')

describe('what is printed reads back the same', () => {
  test('YAML', () => {
    fc.assert(
      fc.property(map, (each) => {
        const read = readYaml(printYaml(each))
        expect(read.problems).toEqual([])
        expect(sameParam(read.value ?? new Map(), each)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('YAML, the simple way as the other', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          map.map((each) => printYaml(each)),
          roughYaml,
        ),
        (written) => {
          const all = readAllYaml(written)
          expect({ problems: [], ...(readSimpleYaml(written) ?? all) }).toEqual(all)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('a lock with one stage more or changed, in its text as in its tree', () => {
    const plain = fc.stringMatching(/^[a-z@.]{1,3}$/)
    fc.assert(
      fc.property(fc.array(fc.tuple(plain, lock), { maxLength: 5 }), (stages) => {
        let now = ''
        for (const [stage, each] of stages) {
          const before = now
          now = withStage(before, stage, each)
          if (before === '') continue
          const edited = setInYaml(before, ['stages', stage], entryOf(each))
          // Empty values end with a blank, as DVC writes them; the other way takes it off the last one.
          const bare = (lines: string) => lines.replaceAll(/ +$/gm, '')
          expect(bare(now)).toBe(bare(edited ?? ''))
        }
      }),
      { numRuns: 60 },
    )
  })

  test('dvc.lock, with any number of stages written one after the other', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, lock), { minLength: 1, maxLength: 4 }), (stages) => {
        const printed = stages.reduce((source, [stage, each]) => withStage(source, stage, each), '')
        const read = readLockFile(printed)
        expect(read.problems).toEqual([])
        for (const [stage, each] of new Map(stages)) {
          const back = read.stages.get(stage)
          expect(back === undefined ? undefined : sorted(back)).toEqual(sorted(each))
          for (const [file, values] of each.params)
            expect(sameParam(back?.params.get(file), values)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('an entry of the run cache, under a name that its sizes do not change', () => {
    fc.assert(
      fc.property(lock, (each) => {
        const back = readRun(printRun(each))
        expect(back === undefined ? undefined : sorted(back)).toEqual(sorted(each))
        const unsized = {
          ...each,
          outs: each.outs.map((out) => ({
            ...out,
            content: out.content && { ...out.content, sizeBytes: 1 },
          })),
        }
        expect([runKey(unsized), runValue(unsized)]).toEqual([runKey(each), runValue(each)])
      }),
      { numRuns: 200 },
    )
  })

  test('the list of a folder, in any order of its files', () => {
    const entries: fc.Arbitrary<TreeEntry[]> = fc.uniqueArray(fc.record({ path, md5: hex }), {
      selector: (each) => each.path,
      maxLength: 20,
    })
    fc.assert(
      fc.property(entries, (each) => {
        const printed = printTree(each)
        expect(printTree(each.toReversed())).toBe(printed)
        // eslint-disable-next-line no-control-regex
        expect(printed).toMatch(/^[\x20-\x7e]*$/)
        expect(new Map(readTree(printed)?.map((entry) => [entry.path, entry.md5]))).toEqual(
          new Map(each.map((entry) => [entry.path, entry.md5])),
        )
      }),
    )
  })

  test('a .dvc file, new and changed', () => {
    fc.assert(
      fc.property(path, content, content, (out, first, second) => {
        const printed = printTrackedFile(out, first)
        expect(readTrackedFile(`d/${out}.dvc`, printed)).toMatchObject({
          problems: [],
          value: { outs: [{ content: first }] },
        })
        const changed = withContent(`${out}.dvc`, printed, { path: out, content: second })
        expect(readTrackedFile(`${out}.dvc`, changed).value.outs[0]).toMatchObject({
          path: out,
          content: second,
        })
        expect(withContent(`${out}.dvc`, changed, { path: out, content: second })).toBe(changed)
      }),
    )
  })

  test('settings', () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/)
    const set = fc.record({
      section: fc.constantFrom('core', 'cache', 'remote "a"'),
      name: word,
      value: fc.stringMatching(/^[ -~\n]{0,20}$/).filter((each) => !each.includes("'''")),
    })
    fc.assert(
      fc.property(fc.array(set, { maxLength: 8 }), (options) => {
        const printed = changedConfig(
          '',
          options.map((option) => ({ kind: 'set', ...option }) as const),
        )
        const expected = new Map<string, Map<string, string>>()
        for (const option of options)
          expected.set(
            option.section,
            new Map([...(expected.get(option.section) ?? []), [option.name, option.value]]),
          )
        expect(readConfig(printed)).toEqual({ value: expected, problems: [] })
      }),
    )
  })
})

describe('an edit of YAML', () => {
  test('changes one entry and no other', () => {
    fc.assert(
      fc.property(map, name, value, (before, key, after) => {
        fc.pre(before.size > 0)
        const edited = setInYaml(printYaml(before), [key], after)
        expect(sameParam(readYaml(edited ?? '').value, new Map([...before, [key, after]]))).toBe(
          true,
        )
      }),
      { numRuns: 300 },
    )
  })

  test('leaves comments, quotes and blank lines alone', () => {
    const source = '# top\na: "x"  # why\n\nb:\n  # inside\n  - 1\n  - two # end\nc: {d: 1}\n'
    expect(setInYaml(source, ['a'], 'y')).toBe(source.replace('"x"', 'y'))
    expect(setInYaml(source, ['e'], 1n)).toBe(`${source}e: 1\n`)
    expect(setInYaml(source, ['c'], undefined)).toBe(source.replace('c: {d: 1}\n', ''))
    expect(setInYaml(source, ['c', 'd'], 2n)).toBeUndefined()
  })
})

describe('untrusted text', () => {
  test('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (source) => {
        const readers = [readYaml, readLockFile, readTree, readConfig, readRun]
        for (const read of readers) expect(() => read(source)).not.toThrow()
        expect(() => readTrackedFile('x.dvc', source)).not.toThrow()
      }),
      { numRuns: 500 },
    )
    expect(readYaml('a: &a [*a]').problems).toHaveLength(1)
  })

  test('of a folder’s list cannot name files outside the folder', () => {
    for (const relpath of ['../x', '/etc/x', 'a/../../x', '', 'a//b', './a', 'a\0b'])
      expect(readTree(JSON.stringify([{ md5: 'a'.repeat(32), relpath }]))).toBeUndefined()
    expect(
      readTree(JSON.stringify([{ md5: '../../../../etc/passwd', relpath: 'a' }])),
    ).toBeUndefined()
  })
})
