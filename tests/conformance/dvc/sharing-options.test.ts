import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runCommand } from '../../support/command.ts'
import { sandbox } from './support.ts'

test('fetch brings only what is small enough, or metrics, or plots, as dvc does', async () => {
  const box = sandbox()
  try {
    box.dvc('init', '-q')
    box.dvc('remote', 'add', '-q', '-d', 'st', join(box.root, '..', 'store'))
    box.write('small.txt', '1234')
    box.write('big.txt', '1234567890')
    box.write('folder/a', '12345')
    box.write('folder/b', '123456')
    box.write('points.csv', 'x,y\n1,2\n')
    box.write('scores.json', '{"a": 1}')
    box.dvc('add', '-q', 'small.txt', 'big.txt', 'folder', 'points.csv', 'scores.json')
    const made = 'echo \'{"m": 1}\' > m.json && echo \'{"p": 1}\' > p.json && echo o > o.txt'
    const outs = ['-m', 'm.json', '--plots', 'p.json', '-o', 'o.txt']
    box.dvc('stage', 'add', '-q', '-n', 'make', ...outs, made)
    box.write('dvc.yaml', `${box.read('dvc.yaml')}metrics: [scores.json]\nplots: [points.csv]\n`)
    box.dvc('repro', '-q')
    box.git('add', '-A')
    box.git('commit', '-qm', 'one')
    box.dvc('push', '-q')
    const cached = () => {
      const found = existsSync(join(box.root, '.dvc/cache/files')) ? box.tree('.dvc/cache') : {}
      return Object.keys(found).filter((path) => path.startsWith('files/'))
    }
    const forget = () => rmSync(join(box.root, '.dvc/cache'), { recursive: true, force: true })
    const cases = [
      ['--max-size', '10'],
      ['--max-size', '11'],
      ['--max-size', '0'],
      ['--type', 'metrics', '--no-run-cache'],
      ['--type', 'plots', 'make'],
      ['--type', 'metrics', '--type', 'plots'],
      ['--type', 'metrics', '--max-size', '1'],
      ['--type', 'plots', '-A'],
    ]
    for (const args of cases) {
      forget()
      box.dvc('fetch', '-q', ...args)
      const theirs = cached()
      forget()
      expect(await runCommand(box.root, ['fetch', '-q', ...args])).toMatchObject({
        code: 0,
        err: '',
      })
      expect({ args, cached: cached() }).toEqual({ args, cached: theirs })
    }
    const { code, err } = await runCommand(box.root, ['fetch', '--max-size', 'x'])
    expect([code, err]).toEqual([2, expect.stringContaining('whole number of bytes')])
  } finally {
    box.remove()
  }
})

test('pull --allow-missing is no failure where the remote lacks something, and is one where it fails', async () => {
  const box = sandbox()
  try {
    const store = join(box.root, '..', 'store')
    box.dvc('init', '-q')
    box.dvc('remote', 'add', '-q', '-d', 'st', store)
    box.write('here.txt', 'here')
    box.write('gone.txt', 'gone')
    box.dvc('add', '-q', 'here.txt', 'gone.txt')
    box.dvc('push', '-q')
    const [gone, here] = ['gone', 'here'].map((text) => {
      const md5 = createHash('md5').update(text).digest('hex')
      return join(store, 'files/md5', md5.slice(0, 2), md5.slice(2))
    })
    rmSync(gone ?? '')
    const forget = () => {
      for (const path of ['.dvc/cache', 'here.txt', 'gone.txt'])
        rmSync(join(box.root, path), { recursive: true, force: true })
    }
    forget()
    box.dvc('pull', '-q', '--allow-missing')
    forget()
    const pulled = await runCommand(box.root, ['pull', '--allow-missing'])
    expect(pulled).toMatchObject({ code: 0, err: '' })
    expect(pulled.out).toMatch(
      /^1 object fetched, 1 path changed\nA {2}here.txt\nmissing {2}gone.txt: /,
    )
    expect(box.read('here.txt')).toBe('here')
    forget()
    expect((await runCommand(box.root, ['pull'])).code).toBe(1)
    forget()
    chmodSync(here ?? '', 0o644)
    writeFileSync(here ?? '', 'damaged')
    const failed = await runCommand(box.root, ['pull', '--allow-missing'])
    expect(failed.code).toBe(1)
    expect(failed.out).toMatch(/failed {2}here.txt: .* is damaged/)
  } finally {
    box.remove()
  }
})

test('-q says nothing and -v tells more, wherever dvc takes them', async () => {
  const box = sandbox()
  try {
    box.dvc('init', '-q')
    box.dvc('remote', 'add', '-q', '-d', 'st', '../store')
    box.write('x', '1')
    box.dvc('stage', 'add', '-q', '-n', 'make', '-o', 'out', 'echo said > out')
    const words = [
      'add x, commit -f x, status, diff, data status, push, fetch, pull, gc -w -f',
      'checkout, move x y, unprotect y, check-ignore y, list ., list-url ../store',
      'get . y -o got, get-url ../store got2, import-url ../store z, update z.dvc',
      'remote list, remote default, config core.remote, cache dir, root, dag, freeze make',
      'unfreeze make, repro, version, remove z.dvc',
    ].flatMap((line) => line.split(', '))
    for (const each of words) {
      const quiet = await runCommand(box.root, [...each.split(' '), '-q'])
      expect({ each, err: quiet.err }).toEqual({ each, err: '' })
      const { code, err } = await runCommand(box.root, [...each.split(' '), '-v'])
      expect({ each, err, code }).toMatchObject({
        err: expect.stringMatching(/^orrery \S+ on Node (?:.|\n)*took [\d.]+ s\n$/),
      })
    }
    const failed = await runCommand(box.root, ['push', '-v', '-r', 'nowhere'])
    expect(failed).toMatchObject({ code: 2, err: expect.stringMatching(/\n {4}at \S/) })
    expect((await runCommand(box.root, ['push', '-r', 'nowhere'])).err).not.toMatch(/\n {4}at /)
    const helped = await runCommand(box.root, ['pull', '-h'])
    expect(helped).toMatchObject({ code: 0, out: expect.stringContaining('--allow-missing') })
  } finally {
    box.remove()
  }
})

test('pull --allow-missing passes over what nobody has, with a remote and without', async () => {
  const box = sandbox()
  try {
    box.dvc('init', '-q')
    box.write('data', '1')
    box.write('folder/a', '2')
    box.write('folder/b', '3')
    box.dvc('add', '-q', 'data', 'folder')
    const allowed = () => runCommand(box.root, ['pull', '--allow-missing'])
    const here = () =>
      Object.keys(box.tree('.')).filter((path) => /^(?:data|folder\/.)$/.test(path))
    const forget = () => {
      for (const path of ['.dvc/cache', 'data', 'folder'])
        rmSync(join(box.root, path), { recursive: true, force: true })
    }
    const cache = join(box.root, '.dvc/cache')
    const store = join(box.root, '../store')
    cpSync(cache, store, { recursive: true })
    forget()
    box.dvc('pull', '-q', '--allow-missing')
    const alone = await allowed()
    expect(alone).toMatchObject({ code: 0, err: '' })
    expect(alone.out).toMatch(/missing {2}data: the project has no default remote/)
    expect(() => box.dvc('pull', '-q')).toThrow('failed (1)')
    expect((await runCommand(box.root, ['pull'])).code).toBe(2)

    box.dvc('remote', 'add', '-q', '-d', 'st', '../store')
    const file = createHash('md5').update('3').digest('hex')
    rmSync(join(store, 'files/md5', file.slice(0, 2), file.slice(2)))
    // dvc fails for a folder that is there in part, and brings nothing.
    expect(() => box.dvc('pull', '-q', '--allow-missing')).toThrow('failed (1)')
    forget()
    const partly = await allowed()
    expect(partly).toMatchObject({ code: 0, err: '' })
    expect(partly.out).toMatch(/^A {2}data\nmissing {2}folder: /m)
    expect(here()).toEqual(['data'])
    // What the remote has of it is here already, and comes to the rest.
    box.write('../store/files/md5/ec/cbc87e4b5ce2fe28308fd9f2a7baf3', '3')
    expect((await allowed()).out).toMatch(/^1 object fetched, 1 path changed\nA {2}folder\n$/)
    expect(here()).toEqual(['data', 'folder/a', 'folder/b'])
  } finally {
    box.remove()
  }
})

test('a remote that nobody set up is a failure, also when there is nothing to bring', async () => {
  const box = sandbox()
  try {
    box.dvc('init', '-q')
    box.write('data', '1')
    box.dvc('add', '-q', 'data')
    for (const verb of ['pull', 'fetch', 'push']) {
      expect(() => box.dvc(verb, '-q', '-r', 'nowhere')).toThrow('failed (1)')
      const { code, err } = await runCommand(box.root, [verb, '-q', '-r', 'nowhere'])
      expect([code, err]).toEqual([2, expect.stringContaining('there is no remote nowhere')])
    }
  } finally {
    box.remove()
  }
})
