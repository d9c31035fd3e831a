import { expect, test } from 'vitest'
import { readPipelineFile } from './pipeline-file.ts'

const SOURCE = `stages:
  good:
    cmd: echo good
  bad:
    cmd:
    - echo fine
    - echo \${missing.key}
  many:
    foreach: [1, 2]
    do:
      cmd: echo \${item.name}
`

test('a template that cannot be filled in is told with its stage and line', () => {
  const { stages, problems } = readPipelineFile('dvc.yaml', SOURCE, { load: () => undefined })
  expect(stages.map(({ name }) => name)).toEqual(['good'])
  expect(problems.map(({ stage, message }) => [stage, message.split(':')[0]])).toEqual([
    ['bad', 'line 7'],
    ['many@1', 'line 11'],
    ['many@2', 'line 11'],
  ])
})
