// What can go wrong with deltas.
import { defineErrors } from "@pratique/core";

export const deltaErrors = defineErrors({
  "delta.invalid": {
    status: 400,
    text: "this is not a valid delta: {reason}",
    hint: "fetch it again, or pull without it: the layer itself is there as well",
  },
  "delta.wrong-base": {
    status: 400,
    text: "the delta is for a base of {expectedBytes} bytes, and this one has {actualBytes}",
    hint: "give the base that the delta's annotation `dev.pratique.delta.base` names",
  },
  "delta.no-base": {
    status: 404,
    text: "no layer of {base} can serve as the base of a layer of {reference}",
    hint: "name the model it was trained from; only layers of 1 MiB or more that differ are worth a delta",
  },
  "delta.not-smaller": {
    status: 409,
    text: "a delta of {reference} against {base} would not be smaller than 90 % of the layer",
    hint: "push and pull it as it is; the two have too little in common",
  },
});
