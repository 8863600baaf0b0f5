// Sums and maxima of one value an invocation over a workgroup of WG (a power of two, set by the file that includes
// this), in a fixed order: a tree. Call them where every invocation of the workgroup does.
var<workgroup> partial: array<f32, WG>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
    workgroupBarrier(); // everyone has read the last reduction's result
    partial[lane] = value;
    workgroupBarrier(); // every value is in place
    for (var stride = WG / 2u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            partial[lane] += partial[lane + stride];
        }
        workgroupBarrier(); // this level of the tree is done
    }
    return partial[0];
}

fn workgroup_max(value: f32, lane: u32) -> f32 {
    workgroupBarrier(); // everyone has read the last reduction's result
    partial[lane] = value;
    workgroupBarrier(); // every value is in place
    for (var stride = WG / 2u; stride > 0u; stride /= 2u) {
        if (lane < stride) {
            partial[lane] = max(partial[lane], partial[lane + stride]);
        }
        workgroupBarrier(); // this level of the tree is done
    }
    return partial[0];
}
