import { SaxesParser, type SaxesTagPlain } from 'saxes'
import { Problem } from '#base/problem'
import type { TestCase } from '#stages'

// As pytest, Jest, Maven and others write it; there is no one standard, so what is not known is passed over. A report
// comes out of a stage's own code: it may declare no entities, lie no deeper and be no longer than any honest one.

export const REPORT_BYTES_MAX = 16 * 1024 ** 2
const DEPTH_MAX = 64
/** Of all reports of one stage. */
export const CASES_MAX = 20_000
const NAME_CHARS_MAX = 1000
const TEXT_CHARS_MAX = 8000

const OUTCOMES: Readonly<Record<string, TestCase['outcome']>> = {
  failure: 'failed',
  error: 'error',
  skipped: 'skipped',
}

interface OpenCase {
  name: string
  suite: string
  seconds: number
  outcome: TestCase['outcome']
  message: string | null
  detail: string
}

/** The tests that a JUnit report tells of. Throws `invalid` for what is none, and for what would do harm. */
export function readReport(text: string): TestCase[] {
  if (Buffer.byteLength(text) > REPORT_BYTES_MAX)
    throw new Problem('limit', `the report has more than ${REPORT_BYTES_MAX / 1024 ** 2} MiB`)
  const cases: TestCase[] = []
  const open: string[] = []
  const suites: string[] = []
  let current: OpenCase | undefined

  const parser = new SaxesParser()
  parser.on('error', (error) => {
    throw new Problem('invalid', `it is no XML: ${error.message}`)
  })
  parser.on('doctype', () => {
    throw new Problem('invalid', 'it has a DOCTYPE; reports with entities are not read')
  })
  parser.on('opentag', (tag) => {
    if (open.length === 0 && tag.name !== 'testsuites' && tag.name !== 'testsuite')
      throw new Problem(
        'invalid',
        `it is no JUnit report: it begins with <${tag.name.slice(0, 50)}>`,
      )
    if (open.length >= DEPTH_MAX)
      throw new Problem('invalid', `its elements lie more than ${DEPTH_MAX} deep`)
    open.push(tag.name)
    if (tag.name === 'testsuite') suites.push(wordOf(tag, 'name'))
    if (tag.name === 'testcase') current = caseOf(tag, suites.at(-1) ?? '')
    const outcome = Object.hasOwn(OUTCOMES, tag.name) ? OUTCOMES[tag.name] : undefined
    if (current !== undefined && outcome !== undefined && current.outcome === 'passed') {
      current.outcome = outcome
      current.message = wordOf(tag, 'message') || null
    }
  })
  const said = (words: string) => {
    const isOfFailure = Object.hasOwn(OUTCOMES, open.at(-1) ?? '')
    if (current !== undefined && isOfFailure && current.detail.length < TEXT_CHARS_MAX)
      current.detail += words
  }
  parser.on('text', said)
  parser.on('cdata', said)
  parser.on('closetag', (tag) => {
    open.pop()
    if (tag.name === 'testsuite') suites.pop()
    if (tag.name !== 'testcase' || current === undefined) return
    if (cases.length >= CASES_MAX)
      throw new Problem('limit', `it tells of more than ${CASES_MAX} tests`)
    cases.push(finished(current))
    current = undefined
  })
  parser.write(text).close()
  return cases
}

function caseOf(tag: SaxesTagPlain, suite: string): OpenCase {
  const seconds = Number(wordOf(tag, 'time').replaceAll(',', ''))
  return {
    name: wordOf(tag, 'name'),
    suite: wordOf(tag, 'classname') || suite,
    seconds: Number.isFinite(seconds) && seconds >= 0 ? seconds : 0,
    outcome: 'passed',
    message: null,
    detail: '',
  }
}

function finished({ detail, message, ...rest }: OpenCase): TestCase {
  const words = detail.trim().slice(0, TEXT_CHARS_MAX)
  return {
    ...rest,
    message: message === null ? null : message.slice(0, TEXT_CHARS_MAX),
    detail: words === '' ? null : words,
  }
}

function wordOf(tag: SaxesTagPlain, name: string): string {
  return Object.hasOwn(tag.attributes, name)
    ? String(tag.attributes[name]).slice(0, name === 'message' ? TEXT_CHARS_MAX : NAME_CHARS_MAX)
    : ''
}
