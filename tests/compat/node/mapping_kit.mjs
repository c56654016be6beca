// Runs mappings with the unmodified mapping kit of @segment/actions-core.
// Reads lines of [mapping, input] and answers each with {"value"}, {"undefined"} or {"error"}.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { transform } = createRequire(import.meta.url)('@segment/actions-core/mapping-kit')

// One of our own choices is made here too, so that everything around it can be compared: an object inside a text is JSON.
Object.prototype[Symbol.toPrimitive] = function () {
  return JSON.stringify(this)
}
for (const { prototype } of [Array, Function, Boolean, String, Number, RegExp, Error]) prototype[Symbol.toPrimitive] = undefined

for await (const line of createInterface({ input: process.stdin })) {
  const [mapping, input] = JSON.parse(line)
  let answer
  try {
    const value = transform(mapping, input)
    answer = value === undefined ? { undefined: true } : { value }
  } catch (error) {
    answer = { error: String(error.message ?? error) }
  }
  console.log(JSON.stringify(answer))
}
