// A one-dimensional grid folded into two, because a dimension holds 65,535 workgroups at most.
fn linear_workgroup(workgroup: vec3<u32>, count: vec3<u32>) -> u32 {
    return workgroup.y * count.x + workgroup.x;
}
