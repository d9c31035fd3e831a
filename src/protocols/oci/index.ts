export { writeLayer, type FileEntry, type Layer } from './layer.ts'
export { writeLayout, type Image } from './layout.ts'
export { pushLayout, referenceIn, type Credentials, type Reference } from './push.ts'
