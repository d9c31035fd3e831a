import { describe, expect, test } from 'vitest'
import { readReport, REPORT_BYTES_MAX } from './index.ts'

/** As pytest 8 writes it. */
const PYTEST = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.05" timestamp="2026-01-31T10:00:00+00:00" hostname="h"><testcase classname="tests.test_clean" name="test_rows" time="0.001" /><testcase classname="tests.test_clean" name="test_nulls[a&amp;b]" time="0.002"><failure message="AssertionError: assert 3 == 0&#10;">def test_nulls():
&gt;       assert nulls == 0
E       AssertionError</failure></testcase><testcase classname="tests.test_clean" name="test_later" time="0.000"><skipped type="pytest.skip" message="no GPU">test_clean.py:9: no GPU</skipped></testcase><testcase classname="tests.test_clean" name="test_fixture" time="0.001"><error message="failed on setup with &quot;OSError&quot;"><![CDATA[no <file>]]></error></testcase></testsuite></testsuites>`

test('each test of a report is told with how it went, and why', () => {
  expect(readReport(PYTEST)).toEqual([
    {
      suite: 'tests.test_clean',
      name: 'test_rows',
      outcome: 'passed',
      seconds: 0.001,
      message: null,
      detail: null,
    },
    {
      suite: 'tests.test_clean',
      name: 'test_nulls[a&b]',
      outcome: 'failed',
      seconds: 0.002,
      message: 'AssertionError: assert 3 == 0\n',
      detail: 'def test_nulls():\n>       assert nulls == 0\nE       AssertionError',
    },
    {
      suite: 'tests.test_clean',
      name: 'test_later',
      outcome: 'skipped',
      seconds: 0,
      message: 'no GPU',
      detail: 'test_clean.py:9: no GPU',
    },
    {
      suite: 'tests.test_clean',
      name: 'test_fixture',
      outcome: 'error',
      seconds: 0.001,
      message: 'failed on setup with "OSError"',
      detail: 'no <file>',
    },
  ])
})

test('a test without a class is of its suite, also of one inside another', () => {
  const text =
    '<testsuite name="outer"><testsuite name="inner"><testcase name="a" time="1,234.5"/></testsuite><testcase name="b"/></testsuite>'
  expect(readReport(text).map(({ suite, name, seconds }) => [suite, name, seconds])).toEqual([
    ['inner', 'a', 1234.5],
    ['outer', 'b', 0],
  ])
})

describe('what would do harm is refused', () => {
  const laughs = `<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><testsuites><testsuite name="&lol2;"/></testsuites>`
  test.each([
    ['entities that grow', laughs, 'DOCTYPE'],
    [
      'entities that name files',
      '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuite name="&e;"/>',
      'DOCTYPE',
    ],
    ['an entity that nobody declared', '<testsuite name="&nope;"/>', 'no XML'],
    ['elements without end', '<testsuite>'.repeat(10_000), '64 deep'],
    ['another document', '<html><body/></html>', 'begins with <html>'],
    ['half a document', '<testsuite><testcase name="a">', 'no XML'],
    ['no XML', 'PK\u0003\u0004', 'no XML'],
    ['too much', `<testsuite name="${'x'.repeat(REPORT_BYTES_MAX)}"/>`, 'more than 16 MiB'],
    ['too many', `<testsuite>${'<testcase/>'.repeat(20_001)}</testsuite>`, '20000 tests'],
  ])('%s', (_what, text, words) => {
    expect(() => readReport(text)).toThrow(words)
  })
})

test('names as of JavaScript objects are names like others', () => {
  const text =
    '<testsuite name="__proto__"><testcase name="constructor" classname="toString"><constructor/></testcase></testsuite>'
  expect(readReport(text)).toMatchObject([
    { suite: 'toString', name: 'constructor', outcome: 'passed' },
  ])
})
