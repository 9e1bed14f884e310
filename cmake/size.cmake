# Functions that nobody calls are left out of the executable, which matters on a gateway's flash.
add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,--as-needed)

# For rooms that no request passes through, or where the kernel takes nearly all of the time.
function(postern_optimize_for_size target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Os>)
endfunction()
