import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite from 'better-sqlite3'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { ledgerStoreSuite } from '#suites/ledger'
import {
  checkpointIn,
  createLedger,
  leafHash,
  openLedger,
  platformActor,
  provesInclusion,
  verifierKey,
  verifyLedger,
  type Fact,
  type LedgerEvidence,
  type SigningKey,
} from '#ledger'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'
import { openSqlStore } from './index.ts'
import { ledgerEvidence, openLedgerEvidence } from './ledger-evidence.ts'
import { kyselyOn, openReader } from './sqlite.ts'

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'orrery-ledger-')), 'orrery.db')
const actor = platformActor('test')
const key: SigningKey = { name: 'orrery', privateKey: generateKeyPairSync('ed25519').privateKey }
const verifier = verifierKey(key)

eachSqlStore((_name, open, place) => {
  ledgerStoreSuite(async (clock) => {
    const at = await place()
    const { read, transact } = await open({ clock, place: at })
    return { read: read.ledger, transact, evidence: evidenceIn(at) }
  })
})

/** What the ledger in a database holds, each time that it is asked. */
function evidenceIn(place: string): LedgerEvidence {
  const asked = async <T>(ask: (evidence: LedgerEvidence) => Promise<T>) => {
    const { evidence, close } = await openLedgerEvidence(place)
    return ask(evidence).finally(close)
  }
  return {
    kept: (page) => asked((evidence) => evidence.kept(page)),
    nodes: (range) => asked((evidence) => evidence.nodes(range)),
    edges: (range) => asked((evidence) => evidence.edges(range)),
    checkpoints: (range) => asked((evidence) => evidence.checkpoints(range)),
    totals: () => asked((evidence) => evidence.totals()),
  }
}

/** A closed database of so many entries, every third with two edges, and a signed head after each fourth. */
async function history(entries: number): Promise<string> {
  const file = await newFile()
  const clock = manualClock()
  const store = await openSqlStore(file, { clock, ids: countedIds() })
  const ledger = createLedger({ read: store.read.ledger, transact: store.transact, clock, key })
  for (let n = 0; n < entries; n++) {
    await store.transact((tx) => tx.ledger.append(actor, [factAt(n)]))
    if (n % 4 === 3) await ledger.checkpoint()
  }
  await store.close()
  return file
}

function factAt(n: number): Fact {
  const run = { kind: 'run', id: `r${n}` } as const
  const edges = [
    { from: run, relation: 'at', to: { kind: 'commit', id: 'c' } as const },
    { from: run, relation: 'read', to: { kind: 'dataset-version', id: `d${n}` } as const },
  ]
  return {
    type: n % 2 === 0 ? 'even' : 'odd',
    data: { n },
    ...(n % 3 === 0 ? { edges, eventMs: n } : {}),
  }
}

/** Changes the file as somebody with a SQLite shell would. */
function tamper(file: string, ...statements: readonly string[]): void {
  const shell = new BetterSqlite(file)
  const triggers = shell.prepare("select name from sqlite_master where type = 'trigger'").pluck()
  for (const name of triggers.all() as string[]) shell.exec(`drop trigger ${name}`)
  for (const statement of statements) expect(shell.prepare(statement).run().changes).not.toBe(0)
  shell.close()
}

const verified = (file: string, against?: string) =>
  verifyLedger(
    ledgerEvidence(kyselyOn(openReader(file))),
    verifier,
    against === undefined ? {} : { against },
  )

test('a ledger that nobody touched verifies, and its head is the one it signs', async () => {
  const file = await history(2600)
  const verdict = await verified(file)
  expect(verdict).toMatchObject({ entries: 2600, checkpoints: 650, faults: [] })
  const newest = openReader(file)
    .prepare('select note from ledger_checkpoints order by size desc')
    .pluck()
    .get() as string
  expect(checkpointIn(newest, verifier)?.root.toString('base64')).toBe(verdict.head)
})

test('an empty ledger verifies, signed or not', async () => {
  const file = await history(0)
  expect(await verified(file)).toMatchObject({ entries: 0, checkpoints: 0, faults: [] })
  const store = await openSqlStore(file, { clock: manualClock(), ids: countedIds() })
  const world = { read: store.read.ledger, transact: store.transact, clock: manualClock(), key }
  await createLedger(world).checkpoint()
  await store.close()
  expect(await verified(file)).toMatchObject({ entries: 0, checkpoints: 1, faults: [] })
})

test.each([
  [
    'a changed text',
    [`update ledger_entries set body = replace(body, '"n":5', '"n":6') where position = 5`],
    'entry 5: its text does not give the hash that is kept',
  ],
  [
    'a text that is no entry any more',
    [`update ledger_entries set body = '{' where position = 5`],
    'entry 5: its text is not an entry',
  ],
  [
    'a text of null',
    [`update ledger_entries set body = '{}' where position = 5`],
    'entry 5: its text is not an entry',
  ],
  [
    'a changed type column',
    [`update ledger_entries set type = 'even' where position = 5`],
    'entry 5: its columns differ from the text that was hashed',
  ],
  [
    'a changed time column',
    [`update ledger_entries set at_ms = at_ms + 1 where position = 5`],
    'entry 5: its columns differ from the text that was hashed',
  ],
  [
    'a changed event time column',
    [`update ledger_entries set event_ms = 1 where position = 5`],
    'entry 5: its columns differ from the text that was hashed',
  ],
  [
    'a changed edge',
    [`update ledger_edges set to_id = 'other' where position = 6 and ordinal = 1`],
    'entry 6: its lineage edges differ from the text that was hashed',
  ],
  [
    'a removed edge',
    [`delete from ledger_edges where position = 6 and ordinal = 0`],
    'entry 6: its lineage edges differ from the text that was hashed',
  ],
  [
    'an invented edge',
    [`insert into ledger_edges values (5, 0, 'run', 'r', 'at', 'commit', 'c')`],
    'entry 5: its lineage edges differ from the text that was hashed',
  ],
  [
    'an invented edge of an entry to come',
    [`insert into ledger_edges values (99, 0, 'run', 'r', 'at', 'commit', 'c')`],
    '9 lineage edges are kept, and the entries give 8',
  ],
  [
    'a changed leaf hash',
    [`update ledger_nodes set hash = zeroblob(32) where level = 0 and idx = 9`],
    'entry 9: its text does not give the hash that is kept',
  ],
  [
    'a changed inner hash',
    [`update ledger_nodes set hash = zeroblob(32) where level = 2 and idx = 1`],
    'the hash kept at level 2, index 1 is not that of its entries',
  ],
  [
    'a removed hash',
    [`delete from ledger_nodes where level = 1 and idx = 0`],
    'the hash kept at level 1, index 0 is not that of its entries',
  ],
  ['a removed entry', [`delete from ledger_entries where position = 5`], 'entry 5 is missing'],
  [
    'a removed tail',
    [`delete from ledger_entries where position >= 9`],
    'checkpoint 12: the ledger has only 9 entries',
  ],
  [
    'a removed tail whose signed heads went with it',
    [
      `delete from ledger_entries where position >= 9`,
      `delete from ledger_checkpoints where size > 9`,
    ],
    '22 hashes are kept, and the entries give 16',
  ],
  [
    'a changed signed head',
    [
      `update ledger_checkpoints set note = replace(note, char(10) || '8' || char(10), char(10) || '7' || char(10)) where size = 8`,
    ],
    'checkpoint 8: its signature is not by orrery',
  ],
  [
    'a signed head that was put at another size',
    [
      `delete from ledger_checkpoints where size = 4`,
      `update ledger_checkpoints set size = 4 where size = 8`,
    ],
    'checkpoint 4: it signs 8 entries',
  ],
])('%s is found', async (_, statements, fault) => {
  const file = await history(12)
  tamper(file, ...statements)
  const { faults } = await verified(file)
  expect(faults.join('\n')).toContain(fault)
})

/** Rewrites an entry and everything that is computed from it, as one with the program's code could. */
async function rewriteHistory(file: string, entries: number, changed: number): Promise<void> {
  const forged = await newFile()
  const store = await openSqlStore(forged, { clock: manualClock(), ids: countedIds() })
  for (let n = 0; n < entries; n++)
    await store.transact((tx) => tx.ledger.append(actor, [factAt(n === changed ? n + 100 : n)]))
  await store.close()
  const shell = new BetterSqlite(file)
  shell.exec(`attach '${forged}' as forged`)
  for (const table of ['ledger_entries', 'ledger_nodes', 'ledger_edges'])
    for (const statement of [
      `drop trigger ${table}_no_delete`,
      `delete from main.${table}`,
      `insert into main.${table} select * from forged.${table}`,
    ])
      shell.exec(statement)
  shell.close()
}

test('a history that was rewritten throughout contradicts its signed heads', async () => {
  const file = await history(12)
  await rewriteHistory(file, 12, 6)
  expect((await verified(file)).faults).toEqual([
    'checkpoint 8: the entries do not give the root that was signed',
    'checkpoint 12: the entries do not give the root that was signed',
  ])
})

test('a checkpoint from outside shows what the ledger alone could hide', async () => {
  const file = await history(12)
  const heads = openReader(file).prepare('select size, note from ledger_checkpoints').all() as {
    size: number
    note: string
  }[]
  const [first, second, third] = heads.map((head) => head.note) as [string, string, string]
  for (const note of [first, second, third]) expect((await verified(file, note)).faults).toEqual([])
  expect((await verified(file, third.replace('12', '13'))).faults).toEqual([
    'the given checkpoint is not one signed by orrery',
  ])

  const cut = await history(8)
  expect((await verified(cut)).faults).toEqual([])
  expect((await verified(cut, third)).faults).toEqual([
    'the given checkpoint is of 12 entries; the ledger has only 8',
  ])

  await rewriteHistory(file, 12, 6)
  tamper(file, 'delete from ledger_checkpoints where size > 4')
  expect((await verified(file)).faults).toEqual([])
  expect((await verified(file, first)).faults).toEqual([])
  expect((await verified(file, second)).faults).toEqual([
    'the first 8 entries are not those of the given checkpoint',
  ])
})

test('any single byte of the tables that is changed is found', async () => {
  const file = await history(40)
  const read = new BetterSqlite(file)
  for (const name of ['ledger_entries', 'ledger_nodes', 'ledger_edges', 'ledger_checkpoints'])
    read.exec(`drop trigger ${name}_no_update`)
  const cells: readonly [string, string][] = [
    ['ledger_entries', 'body'],
    ['ledger_entries', 'type'],
    ['ledger_nodes', 'hash'],
    ['ledger_edges', 'from_id'],
    ['ledger_edges', 'relation'],
    ['ledger_checkpoints', 'note'],
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cells),
      fc.nat(),
      fc.nat(),
      async ([table, column], a, b) => {
        const rows = read.prepare(`select rowid as id, ${column} as cell from ${table}`).all() as {
          id: number
          cell: string | Buffer
        }[]
        const row = rows[a % rows.length] as { id: number; cell: string | Buffer }
        const bytes = Buffer.from(row.cell as string)
        const place = b % bytes.length
        // The note's own last line break is outside of what it says.
        fc.pre(!(column === 'note' && place === bytes.length - 1))
        bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place)
        const write = read.prepare(`update ${table} set ${column} = ? where rowid = ?`)
        write.run(typeof row.cell === 'string' ? bytes.toString('latin1') : bytes, row.id)
        const { faults } = await verified(file)
        write.run(row.cell, row.id)
        expect(faults).not.toEqual([])
      },
    ),
    { numRuns: 60 },
  )
  read.close()
  expect((await verified(file)).faults).toEqual([])
})

test('a thousand faults are told as a hundred and their number', async () => {
  const file = await history(300)
  tamper(file, `update ledger_entries set at_ms = at_ms + 1`)
  const { faults } = await verified(file)
  expect(faults).toHaveLength(101)
  expect(faults.at(-1)).toBe('and 200 more')
})

test('entries cannot be changed or removed by the statements that a program would use', async () => {
  const file = await history(4)
  const shell = new BetterSqlite(file)
  for (const table of ['ledger_entries', 'ledger_nodes', 'ledger_checkpoints', 'ledger_edges']) {
    const column = (shell.prepare(`select * from ${table}`).columns()[0] as { name: string }).name
    expect(() => shell.exec(`update ${table} set ${column} = 1`)).toThrow('only ever added to')
    expect(() => shell.exec(`delete from ${table}`)).toThrow('only ever added to')
  }
})

test('a receipt proves its entry to one who has only the verifier key', async () => {
  const file = await history(10)
  const clock = manualClock()
  const store = await openSqlStore(file, { clock, ids: countedIds() })
  const ledger = createLedger({ read: store.read.ledger, transact: store.transact, clock, key })
  for (let position = 0; position < 10; position++) {
    const receipt = await ledger.prove(position)
    const head = checkpointIn(receipt.checkpoint, verifier)
    if (head === undefined) throw new Error('the receipt has no signed head')
    expect(receipt).toMatchObject({ size: 10, verifier, entry: { position } })
    const proof = receipt.proof.map((hash) => Buffer.from(hash, 'base64'))
    const claim = { leaf: leafHash(receipt.text), index: position, size: 10, root: head.root }
    expect(provesInclusion(claim, proof)).toBe(true)
  }
  await expect(ledger.prove(10)).rejects.toMatchObject({ code: 'not-found' })
  await store.close()
})

test('a ledger is opened only with the key that signed it, and with all that was signed', async () => {
  const opened = async (file: string, by = key) => {
    const clock = manualClock()
    const store = await openSqlStore(file, { clock, ids: countedIds() })
    try {
      await openLedger({ read: store.read.ledger, transact: store.transact, clock, key: by })
    } finally {
      await store.close()
    }
  }
  await opened(await history(0))
  const file = await history(12)
  await opened(file)
  const other = { name: 'orrery', privateKey: generateKeyPairSync('ed25519').privateKey }
  await expect(opened(file, other)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('restore the key that belongs to it'),
  })
  tamper(file, 'delete from ledger_entries where position > 9')
  await expect(opened(file)).rejects.toMatchObject({
    message: expect.stringContaining('not the one whose first 12 entries were signed'),
  })
  const rewritten = await history(12)
  await rewriteHistory(rewritten, 12, 6)
  await expect(opened(rewritten)).rejects.toMatchObject({ code: 'conflict' })
})

test('a head is signed once for each size, by however many at once', async () => {
  const clock = manualClock()
  const store = await openSqlStore(await newFile(), { clock, ids: countedIds() })
  const ledger = createLedger({ read: store.read.ledger, transact: store.transact, clock, key })
  const first = await ledger.checkpoint()
  expect(checkpointIn(first, verifier)).toMatchObject({ origin: 'orrery', size: 0 })
  await store.transact((tx) => tx.ledger.append(actor, [factAt(0)]))
  const notes = await Promise.all([1, 2, 3].map(() => ledger.checkpoint()))
  expect(new Set(notes).size).toBe(1)
  expect(checkpointIn(notes[0] ?? '', verifier)).toMatchObject({ size: 1 })
  await store.close()
})
