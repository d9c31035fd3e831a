import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { orrery, run, toldToDvc, toldToOrrery, write, type Step, type Told } from './story.ts'
import { sandbox, type Sandbox } from './support.ts'

const boxes: Sandbox[] = []

function twins(): [Sandbox, Sandbox] {
  const pair = [sandbox(), sandbox()] as [Sandbox, Sandbox]
  boxes.push(...pair)
  for (const box of pair) mkdirSync(join(box.root, 'sub'))
  return pair
}

afterAll(() => {
  for (const box of boxes) box.remove()
})

/** The settings after each command. dvc leaves an empty `config.local` behind where nothing was set. */
function settings(told: Told): Record<string, string>[] {
  return told.files.map((files) =>
    Object.fromEntries(
      Object.entries(files).filter(
        ([path, text]) =>
          path.startsWith('.dvc/config') && !(path.endsWith('.local') && text === '644 \n'),
      ),
    ),
  )
}

test('settings are written as dvc writes them, to the byte, and refused where it refuses', async () => {
  const [theirs, mine] = twins()
  const within = (folder: string, ...args: string[]): Step => ({ do: 'run', args, in: folder })
  const steps = [
    run('init', '-q'),
    run('remote', 'add', 'Backup', '../backup'),
    run('remote', 'add', 'backup', '../again'),
    run('remote', 'add', '-f', '-d', 'backup', '/mnt/backup'),
    within('sub', 'remote', 'add', 'near', 'near'),
    run('remote', 'add', 'bucket', 's3://bucket/path'),
    run('remote', 'modify', 'bucket', 'endpointurl', 'http://127.0.0.1:1/a,b'),
    run('remote', 'modify', 'bucket', 'profile', ' blanks '),
    run('remote', 'modify', 'bucket', 'region', `both ' and "`),
    run('remote', 'modify', 'bucket', 'acl', '#not a comment'),
    run('remote', 'modify', '--local', 'bucket', 'access_key_id', `it's`),
    run('remote', 'modify', 'bucket', 'credentialpath', 'keys/credentials'),
    run('remote', 'modify', 'bucket', 'nonsense', '1'),
    run('remote', 'modify', 'bucket', 'jobs', '0'),
    run('remote', 'modify', 'nobody', 'jobs', '1'),
    run('remote', 'modify', '-u', 'bucket', 'profile'),
    run('remote', 'modify', '-u', 'bucket', 'profile'),
    run('remote', 'add', 'other', 'gopher://host/path'),
    run('config', 'cache.type', 'reflink,copy'),
    run('config', 'core.autostage', 'true'),
    run('config', 'core.autostage', 'perhaps'),
    run('config', 'core.nonsense', '1'),
    run('config', 'nonsense.option', '1'),
    run('config', 'nonsense'),
    run('config', 'remote.near.url', '~/near'),
    run('config', 'remote.nobody.jobs', '3'),
    run('config', 'cache.shared', 'group'),
    run('config', 'cache.shared', 'all'),
    run('config', '-u', 'cache.shared'),
    run('config', '-u', 'cache.shared'),
    run('config', '--local', 'parsing.list', 'append'),
    run('config', 'core.remote'),
    run('config', '--local', 'core.remote'),
    within('sub', 'cache', 'dir', 'kept'),
    run('cache', 'dir'),
    run('cache', 'dir', '-u'),
    run('cache', 'dir', '--project'),
    run('remote', 'rename', 'backup', 'bucket'),
    run('remote', 'rename', 'backup', 'store'),
    run('remote', 'rename', 'nobody', 'store2'),
    run('remote', 'default', 'bucket'),
    run('remote', 'default', 'nobody'),
    run('remote', 'default', '--local', 'store'),
    run('remote', 'remove', 'store'),
    run('remote', 'remove', 'store'),
    run('remote', 'default', '-u'),
    run('remote', 'default'),
    run('config', 'exp.auto_push', 'false'),
    run('config', '-u', 'core.autostage'),
    run('remote', 'remove', '--local', 'bucket'),
    run('remote', 'remove', 'bucket'),
    run('remote', 'remove', 'near'),
    run('config', '-u', 'exp.auto_push'),
    run('config', '-u', 'cache.type'),
  ]
  const [dvc, ours] = [toldToDvc(theirs.root, steps), await toldToOrrery(mine.root, steps)]
  const runs = steps.filter((step) => step.do === 'run')
  const shown = (told: Told) =>
    settings(told).map((files, index) => [
      runs[index]?.args.join(' '),
      told.commands[index]?.ok,
      files,
    ])
  expect(shown(ours)).toEqual(shown(dvc))
})

test('settings written by hand are put in dvc’s form, but keep their comments', async () => {
  const [theirs, mine] = twins()
  const lines = [
    '# all of us share these',
    '',
    '[cache]',
    '# faster',
    'type = reflink, copy  # in this order',
    '[\'remote "a"\']',
    '\turl=./../x/../a  # near',
    '[core]',
    'remote = a',
    'Autostage = true',
    '# the end',
    '',
  ].join('\n')
  const bare = lines.replaceAll(/#.*/g, '')
  const steps = (text: string) => [
    run('init', '-q'),
    write('.dvc/config', text),
    run('config', 'core.analytics', 'false'),
    run('config', '-u', 'core.autostage'),
    run('remote', 'rename', 'a', 'b'),
  ]
  const dvc = toldToDvc(theirs.root, steps(bare))
  const ours = await toldToOrrery(mine.root, steps(lines))
  const last = (told: Told) => settings(told).at(-1)?.['.dvc/config'] ?? ''
  const kept = last(ours)
  expect(kept.split('\n').filter((line) => line.includes('#'))).toEqual([
    '644 # all of us share these',
    '    # faster',
    '    type = reflink, copy  # in this order',
    '    url = ../a  # near',
    '# the end',
  ])
  const without = kept
    .replaceAll(/^ *#.*\n/gm, '')
    .replaceAll(/ *#.*/g, '')
    .replace('644 \n', '644 ')
  expect(without.trim().replace(/^644\s*/, '')).toBe(last(dvc).replace('644 ', '').trim())
})

test('what is asked about settings is answered as dvc answers it', async () => {
  const [theirs] = twins()
  const asked = [
    run('config', '-l'),
    run('config', '--list', '--show-origin', '--local'),
    run('config', 'core.remote', '--show-origin', '--project'),
    run('config', 'remote.a.url'),
    run('config', 'core.nothing'),
    run('remote', 'list'),
    run('remote', 'list', '--project'),
    run('remote', 'default'),
    run('cache', 'dir'),
    run('root'),
  ]
  const steps = [
    run('init', '-q'),
    run('remote', 'add', '-d', 'a', '../a'),
    run('config', '--local', 'remote.a.jobs', '3'),
    run('remote', 'add', 'b', 's3://b'),
    run('config', '--local', 'remote.c.url', '/c'),
  ]
  const dvc = toldToDvc(theirs.root, [...steps, ...asked])
  const ours = await toldToOrrery(theirs.root, asked)
  // dvc pads columns to the width of the screen.
  const answers = (told: Told) => told.commands.map(({ output }) => output.split(/[\t ]+/))
  expect(answers(ours)).toEqual(answers(dvc).slice(steps.length))
  const outside = await orrery(join(theirs.root, '..'), ['config', 'core.remote', 'x'])
  expect(outside.output).toContain('not inside a project')
})
