import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { EnvironmentSchema, environmentProblems } from './environment-config.ts'

test.each([
  [{ requirements: 'a.txt', python: '3.11' }, []],
  [{ uv_lock: 'uv.lock', groups: ['dev'], extras: ['gpu'] }, []],
  [{ python: '3.12' }, []],
  [{}, [/says nothing to make it from/]],
  [{ requirements: 'a.txt', image: 'b' }, [/one of requirements and image only/]],
  [{ requirements: 'a.txt', extras: ['gpu'] }, [/extras and groups are of a uv_lock/]],
  [{ requirements: 'a.txt', engine: 'docker' as const }, [/engine is what an image/]],
  [{ image: 'a', python: '3.11' }, [/image brings its own Python/]],
])('an environment declared as %j', (declared, whys) => {
  const problems = environmentProblems({ environments: { torch: declared } })
  expect(problems).toEqual(
    whys.map((why) => expect.stringMatching(new RegExp(`^environments\\.torch: .*${why.source}`))),
  )
})

test.each([
  { image: '--privileged' },
  { image: 'a b' },
  { uv_lock: 'uv.lock', extras: ['--index-url=http://x'] },
  { python: '--version' },
  { requirement: 'a.txt' },
])('what could be taken for an option, or is not known, is refused: %j', (declared) => {
  expect(Value.Check(EnvironmentSchema, declared)).toBe(false)
})
