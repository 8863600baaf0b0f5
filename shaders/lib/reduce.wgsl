// Sums and maxima of one value an invocation over a workgroup of WG (a power of two, set by the file that includes
// this), in a fixed order: SHARING lanes of a subgroup hand each other what they have, and what those groups found goes through
// workgroup memory in a tree. Call them where every invocation of the workgroup does.
//
// SHARING      lanes that share registers: no more than the smallest subgroup has, and than WG; 1 where none do. A subgroup that is larger
//              is several such groups: its size is never asked.

const SHARING: u32 = 1u;
const GROUPS: u32 = WG / SHARING;

/// What the lane has whose number differs in these bits: a variant that shares brings the subgroup's own.
fn other_lane(value: f32, bits: u32) -> f32 { return value; }

var<workgroup> partial: array<f32, GROUPS>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
    var sum = value;
    for (var bit = 1u; bit < SHARING; bit *= 2u) { sum += other_lane(sum, bit); }
    if (GROUPS == 1u) { return sum; }
    workgroupBarrier(); // everyone has read the last reduction's result
    if (lane % SHARING == 0u) { partial[lane / SHARING] = sum; }
    workgroupBarrier(); // every group's sum is in place
    for (var stride = GROUPS / 2u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier(); // this level of the tree is done
    }
    return partial[0];
}

fn workgroup_max(value: f32, lane: u32) -> f32 {
    var most = value;
    for (var bit = 1u; bit < SHARING; bit *= 2u) { most = max(most, other_lane(most, bit)); }
    if (GROUPS == 1u) { return most; }
    workgroupBarrier(); // everyone has read the last reduction's result
    if (lane % SHARING == 0u) { partial[lane / SHARING] = most; }
    workgroupBarrier(); // every group's maximum is in place
    for (var stride = GROUPS / 2u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            partial[lane] = max(partial[lane], partial[lane + stride]);
        }
        workgroupBarrier(); // this level of the tree is done
    }
    return partial[0];
}
