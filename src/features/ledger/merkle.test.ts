import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  inclusionProof,
  leafHash,
  nodesOfAppend,
  provesInclusion,
  rootOf,
  type Hash,
} from './merkle.ts'

// The leaves and roots of the test tree of Certificate Transparency (RFC 6962 implementations share it).
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map((hex) => Buffer.from(hex, 'hex'))
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]

async function treeOf(leaves: readonly (string | Buffer)[]) {
  const nodes = new Map<string, Hash>()
  const at = async (level: number, index: number) => {
    const hash = nodes.get(`${level}/${index}`)
    if (hash === undefined) throw new Error(`no complete subtree at ${level}/${index}`)
    return hash
  }
  for (const [size, leaf] of leaves.entries())
    for (const { level, index, hash } of await nodesOfAppend(size, leafHash(leaf), at)) {
      expect(nodes.has(`${level}/${index}`)).toBe(false)
      nodes.set(`${level}/${index}`, hash)
    }
  return { at, nodes }
}

test('the roots of the test tree of Certificate Transparency come out, at every size', async () => {
  const { at } = await treeOf(LEAVES)
  const roots = await Promise.all(
    ROOTS.map(async (_, size) => (await rootOf(size, at)).toString('hex')),
  )
  expect(roots).toEqual(ROOTS)
})

test('the audit paths of the test tree come out', async () => {
  const { at } = await treeOf(LEAVES)
  const path = async (index: number, size: number) =>
    (await inclusionProof(index, size, at)).map((hash) => hash.toString('hex'))
  expect(await path(0, 1)).toEqual([])
  expect(await path(0, 8)).toEqual([
    '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
    '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
  ])
  expect(await path(5, 8)).toEqual([
    'bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b',
    'ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0',
    'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  ])
  expect(await path(2, 3)).toEqual([
    'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  ])
})

const someLeaves = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 70 })

test('an append makes each complete subtree once, and all of them', async () => {
  await fc.assert(
    fc.asyncProperty(someLeaves, async (leaves) => {
      const { nodes } = await treeOf(leaves)
      let expected = 0
      for (let width = 1; width <= leaves.length; width *= 2)
        expected += Math.floor(leaves.length / width)
      expect(nodes.size).toBe(expected)
    }),
  )
})

test('every leaf is proven in every tree that has it, and in no other place', async () => {
  await fc.assert(
    fc.asyncProperty(someLeaves, fc.nat(), fc.nat(), async (leaves, a, b) => {
      const { at } = await treeOf(leaves)
      const size = 1 + (a % leaves.length)
      const index = b % size
      const root = await rootOf(size, at)
      const proof = await inclusionProof(index, size, at)
      const leaf = leafHash(leaves[index] ?? '')
      expect(provesInclusion({ leaf, index, size, root }, proof)).toBe(true)
      expect(provesInclusion({ leaf: leafHash('other leaf'), index, size, root }, proof)).toBe(
        false,
      )
      expect(provesInclusion({ leaf, index: size, size, root }, proof)).toBe(false)
      expect(provesInclusion({ leaf, index, size, root: leafHash('other') }, proof)).toBe(false)
      expect(provesInclusion({ leaf, index, size, root }, [...proof, root])).toBe(false)
      for (let other = 0; other < size; other++)
        if (other !== index)
          expect(provesInclusion({ leaf, index: other, size, root }, proof)).toBe(false)
    }),
  )
})

test('a proof with any one bit changed proves nothing', async () => {
  await fc.assert(
    fc.asyncProperty(someLeaves, fc.nat(), fc.nat(), async (leaves, a, b) => {
      const { at } = await treeOf(leaves)
      const size = leaves.length
      const index = a % size
      const proof = await inclusionProof(index, size, at)
      fc.pre(proof.length > 0)
      const bit = b % (proof.length * 256)
      const forged = proof.map((hash) => Buffer.from(hash))
      const hash = forged[Math.floor(bit / 256)] as Buffer
      hash.writeUInt8(
        hash.readUInt8(Math.floor((bit % 256) / 8)) ^ (1 << (bit % 8)),
        Math.floor((bit % 256) / 8),
      )
      const claim = {
        leaf: leafHash(leaves[index] ?? ''),
        index,
        size,
        root: await rootOf(size, at),
      }
      expect(provesInclusion(claim, forged)).toBe(false)
      expect(provesInclusion(claim, proof.slice(1))).toBe(false)
    }),
  )
})

test('sizes beyond 32 bits are split where they should be', async () => {
  const asked: string[] = []
  const at = async (level: number, index: number) => {
    asked.push(`${level}/${index}`)
    return leafHash(`${level}/${index}`)
  }
  await rootOf(2 ** 40 + 3, at)
  expect(asked).toEqual([`40/0`, `1/${2 ** 39}`, `0/${2 ** 40 + 2}`])
  asked.length = 0
  const proof = await inclusionProof(2 ** 40 + 2, 2 ** 40 + 3, at)
  expect(proof).toHaveLength(2)
})
